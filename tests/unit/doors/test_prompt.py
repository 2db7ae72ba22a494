"""Which prompts are about the background, and what they come to."""

import pytest

from service.doors.openai.prompt import (
    BLUR,
    GREY,
    PICTURE,
    PRODUCT,
    PRODUCT_SHADOW,
    REMOVE,
    Edit,
    PromptRefused,
    read_prompt,
)


def color(name: str) -> Edit:
    return Edit("replace-background", {"color": name})


UNDERSTOOD = {
    "Remove the background": REMOVE,
    "remove background": REMOVE,
    "Please remove the background from this image.": REMOVE,
    "remove the white background": REMOVE,
    "Could you erase the backdrop of my photo?": REMOVE,
    "Get rid of the background": REMOVE,
    "background removal": REMOVE,
    "transparent background": REMOVE,
    "Make the background transparent": REMOVE,
    "Make the white background transparent, please": REMOVE,
    "Remove the background and make it transparent": REMOVE,
    "Replace the background with transparency": REMOVE,
    "Change the background to be transparent": REMOVE,
    "Cut out the subject": REMOVE,
    "cut out the product on a transparent background": REMOVE,
    "Isolate the subject": REMOVE,
    "Keep only the subject": REMOVE,
    "Remove everything except the product": REMOVE,
    "remove the background behind the subject, keep the subject unchanged": REMOVE,
    "no background": REMOVE,
    "Remove the background from the image and replace it with a transparent background.": REMOVE,
    "Remove the background, leaving only the person": REMOVE,
    "Erase the background so that only the subject remains": REMOVE,
    "Remove the background behind the woman. Don't change anything else.": REMOVE,
    "Isolate the subject on a white background": color("white"),
    "Make the background pure white (#FFFFFF), keeping everything else unchanged": color("white"),
    "white background": color("white"),
    "Make the background white": color("white"),
    "Change the background to light blue": color("lightblue"),
    "change the background color to #ff8800": color("#ff8800"),
    "Replace the background with a plain white one": color("white"),
    "Replace the white background with black": color("black"),
    "Remove the background and replace it with solid red": color("red"),
    "Put the product on a white background": color("white"),
    "Add a white background": color("white"),
    "Blur the background": BLUR,
    "Don't change the subject, blur the background": BLUR,
    "blurred background": BLUR,
    "Blur out the background but keep the person sharp": BLUR,
    "Apply a blur effect to the background": BLUR,
    "Make the background blurry": BLUR,
    "add bokeh to the background": BLUR,
    "Blur the background slightly": Edit("blur-background", {"strength": "0.1"}),
    "heavily blur the background": Edit("blur-background", {"strength": "0.6"}),
    "Make the background black and white": GREY,
    "Turn the background to grayscale": GREY,
    "desaturate the background": GREY,
    "color pop": GREY,
    "Make the background grayscale while keeping the subject in color": GREY,
    "Make a product shot": PRODUCT,
    "product shot with a soft shadow": PRODUCT_SHADOW,
    "Replace the background with the second image": PICTURE,
    "Use the second image as the background": PICTURE,
    "Use the second picture as background": PICTURE,
    "Keep the subject as it is": None,
    "Keep only the person": None,
}

REFUSED = [
    "",
    " . ",
    "Add a hat",
    "A cat on the moon",
    "Remove the background and add a hat",
    "Remove the background, then make her smile",
    "Do not remove the background",
    "Remove the person",
    "Cut out the person",
    "Make the background white or black",
    "Remove the background and keep the cat",
    "Make the subject white",
    "Make it white",
    "Replace the background with a beach at sunset",
    "Remove the background and blur it",
    "Make the background white and make the background black",
    "Blur the subject",
    "blur the image",
    "Make the image black and white",
    "Remove the text from the background",
    "Enhance the background",
    "white",
    "x" * 2000,
]


@pytest.mark.parametrize(("prompt", "edit"), UNDERSTOOD.items())
def test_prompts_about_the_background_are_understood(prompt: str, edit: Edit | None) -> None:
    assert read_prompt(prompt) == edit


@pytest.mark.parametrize("prompt", REFUSED)
def test_prompts_that_ask_for_anything_else_are_refused(prompt: str) -> None:
    with pytest.raises(PromptRefused, match="background"):
        read_prompt(prompt)
