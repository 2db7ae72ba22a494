"""What a prompt asks of the background, in the words that people use for it; knows no HTTP.

No language model reads it. A prompt is brought to a few plain words, and each of its clauses has to be, as a whole, one
of `RULES`: whatever is asked beside that, such as a hat, is refused and never silently left out. English only.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from PIL import ImageColor

from service.errors import BadOption
from service.operations.options import parse_color


class PromptRefused(BadOption):
    """A prompt that asks for something else than a background, or for nothing."""

    code = "unsupported_prompt"
    title = "The prompt asks for more than a background"


@dataclass(frozen=True)
class Edit:
    """An operation and its options."""

    operation: str
    options: Mapping[str, str] = field(default_factory=dict)
    takes_second_image: bool = False
    """Whether the second picture of the request goes behind the subject."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


REMOVE = Edit("remove-background")
COLOR = Edit("replace-background")
PICTURE = Edit("replace-background", takes_second_image=True)
BLUR = Edit("blur-background")
GREY = Edit("color-pop")
PRODUCT = Edit("product-shot")
PRODUCT_SHADOW = Edit("product-shot", {"shadow": "contact"})
KEEP = Edit("")
"""Says only what is done anyway: the subject stays as it is."""

PHRASES: Mapping[str, str] = {
    "black and white": "monochrome",
    "get rid of": "remove",
    "take away": "remove",
    "take out": "remove",
    "cut out": "cutout",
    "out of focus": "blur",
    "in focus": "same",
    "as is": "same",
    "as it is": "same",
    "see through": "transparent",
    "back ground": "background",
    "but keep": ", keep",
    "but leave": ", keep",
    "so that": ",",
    "do not": "never",
    "don t": "never",
    "a bit": "slightly",
    "a little": "slightly",
    "a lot": "strongly",
    "product photography": "packshot",
    "product photo": "packshot",
    "product picture": "packshot",
    "product image": "packshot",
    "product shot": "packshot",
    "color pop": "monochrome background",
    "colour pop": "monochrome background",
    "second image": "picture2",
    "second photo": "picture2",
    "second picture": "picture2",
    "other image": "picture2",
    "image 2": "picture2",
}
"""Several words that mean one, before anything else is looked at."""

FILLERS = _words(
    "please kindly can could would will you i we want need like just simply now the a an this that my our its it is be "
    "should of from in for me us image photo picture pic photograph whole entire original existing current one "
    "completely fully entirely pure plain solid clean simple uniform flat effect color colour colored coloured "
    "make turn set fill paint recolor recolour put place give use create generate add apply have out"
)
"""Words that change nothing here: what is made, put or added has still to be a background."""

SYNONYMS: Mapping[str, str] = {
    word: plain
    for plain, words in {
        "background": "backdrop bg backgrounds",
        "remove": "delete erase strip clear eliminate removing removal remover removed drop",
        "replace": "change swap switch replacing changing",
        "with": "to by into as onto on",
        "transparent": "transparency",
        "blur": "blurred blurry blurring defocus bokeh defocused",
        "monochrome": "grayscale greyscale desaturate desaturated",
        "subject": "foreground object product item",
        "person": "people man woman figure",
        "cutout": "isolate extract isolating extracting",
        "remains": "remain stays",
        "keep": "leave preserve keeping leaving preserving",
        "except": "but besides",
        "everything": "all",
        "behind": "around",
        "slightly": "lightly softly gently subtle subtly",
        "strongly": "heavily heavy strong very",
        "no": "without",
        "never": "dont",
        "same": "unchanged untouched intact sharp",
    }.items()
    for word in words.split()
}
"""Words, and the plain one that stands for them in `RULES`."""

WHO = r"(?:subject|person)"
"""A person is named where nothing hangs on it: what is kept is the subject that the model finds."""

BACKGROUND = rf"background(?:(?: behind)? {WHO})?"
OLD = r"(?:(?P<old>#[0-9a-f]{3,8}|[a-z]+) )?"
"""How the background was: a colour, or one of `DESCRIPTIONS`."""

DESCRIPTIONS = _words("busy messy cluttered distracting ugly old dark bright studio")

COLOR_NAME = r"(?P<color>#[0-9a-f]{3,8}|[a-z]+)"

RULES: Sequence[tuple[str, Edit]] = (
    (rf"remove {OLD}{BACKGROUND}(?: with transparent)?|background remove|no background", REMOVE),
    (r"(?:replace )?(?:subject )?(?:with )?transparent(?: background)?", REMOVE),
    (rf"(?:replace )?{OLD}{BACKGROUND} (?:with )?transparent(?: background)?", REMOVE),
    (r"cutout(?: subject)?(?: with transparent background)?", REMOVE),
    (r"keep only subject|only keep subject|only subject remains", REMOVE),
    (r"remove everything (?:except|behind) subject", REMOVE),
    (rf"(?:with )?blur (?:with )?{BACKGROUND}|{BACKGROUND} (?:with )?blur", BLUR),
    (r"blur everything (?:except|behind) subject", BLUR),
    (rf"(?:with )?monochrome {BACKGROUND}|(?:replace )?{BACKGROUND} (?:with )?monochrome", GREY),
    (r"monochrome everything (?:except|behind) subject", GREY),
    (rf"(?:replace )?{BACKGROUND} with picture2|(?:replace )?picture2 (?:with|behind) (?:background|subject)", PICTURE),
    (r"subject with picture2", PICTURE),
    (r"(?:subject )?(?:with )?packshot", PRODUCT),
    (r"packshot with (?:soft )?shadow", PRODUCT_SHADOW),
    (rf"(?:cutout )?(?:subject )?(?:with )?{COLOR_NAME} background", COLOR),
    (rf"(?:replace )?{OLD}{BACKGROUND} (?:with )?{COLOR_NAME}(?: background)?", COLOR),
    (rf"replace with {COLOR_NAME}(?: background)?", COLOR),
    (rf"keep (?:only )?{WHO}(?: (?:with |exactly )?same)?|never (?:replace )?{WHO}", KEEP),
    (r"keep everything else(?: (?:exactly )?same)?|never (?:replace )?anything else", KEEP),
)
"""What each clause may be, as a whole, once it is plain; the first that fits, and whose colour is one."""

STRENGTHS: Mapping[str, str] = {"slightly": "0.1", "strongly": "0.6"}
"""Of a blur, and of nothing else."""

EXAMPLES = (
    "remove the background; make the background white (or another colour); blur the background; "
    "make the background black and white; make a product shot; replace the background with the second image"
)

MAX_CHARACTERS = 1000
"""Of a prompt. Longer ones ask for more than this."""


def read_prompt(prompt: str) -> Edit | None:
    """What it asks for; None where it says only that the subject stays. Raises PromptRefused."""
    if len(prompt) > MAX_CHARACTERS:
        raise PromptRefused(f"the prompt has more than {MAX_CHARACTERS} characters; what can be asked: {EXAMPLES}")
    asked = [_read_clause(clause) for clause in _clauses(prompt)]
    if not asked:
        raise PromptRefused(f"the prompt says nothing; what can be asked: {EXAMPLES}")
    return _one_of(prompt, [edit for edit in asked if edit is not KEEP])


def _one_of(prompt: str, asked: Sequence[Edit]) -> Edit | None:
    """To remove a background is the first half of putting another in its place."""
    replaced = [edit for edit in asked if edit != REMOVE]
    goes_with_remove = all(edit.operation in ("replace-background", "product-shot") for edit in replaced)
    if any(edit != replaced[0] for edit in replaced) or (len(replaced) < len(asked) and not goes_with_remove):
        raise PromptRefused(f"the prompt asks for several backgrounds at once: {prompt!r}")
    return next(iter((*replaced, *asked)), None)


def _clauses(prompt: str) -> list[str]:
    words = re.sub(r"[^a-z0-9#,;.!\n]+", " ", prompt.lower())
    for phrase, plain in PHRASES.items():
        words = re.sub(rf"\b{phrase}\b", plain, words)
    clauses = re.split(r"[,;.!\n]|\band\b|\bthen\b|\bwhile\b", words)
    return [clause.strip() for clause in clauses if not FILLERS.issuperset(clause.split())]


def _read_clause(clause: str) -> Edit:
    words = _joined_colors([SYNONYMS.get(word, word) for word in clause.split() if word not in FILLERS])
    plain = " ".join(word for word in words if word not in STRENGTHS)
    strength = next((STRENGTHS[word] for word in words if word in STRENGTHS), None)
    for pattern, edit in RULES:
        found = re.fullmatch(pattern, plain)
        if found and (made := _filled(edit, found.groupdict(), strength)):
            return made
    raise PromptRefused(f"{clause!r}: nothing is generated here; what can be asked: {EXAMPLES}")


def _filled(edit: Edit, named: Mapping[str, str | None], strength: str | None) -> Edit | None:
    """The edit with what the clause names; None where its colours are none, or it has no strength."""
    old, color = named.get("old"), named.get("color")
    if (old and old not in DESCRIPTIONS and not _is_color(old)) or (color and not _is_color(color)):
        return None
    if strength is not None:
        return Edit(edit.operation, {"strength": strength}) if edit is BLUR else None
    return Edit(edit.operation, {"color": color}) if color else edit


def _is_color(text: str) -> bool:
    try:
        parse_color(text)
    except ValueError:
        return False
    return True


def _is_same_color(first: str, second: str) -> bool:
    return _is_color(first) and _is_color(second) and parse_color(first) == parse_color(second)


def _joined_colors(words: Sequence[str]) -> list[str]:
    """`light blue` is `lightblue` where that is a colour of CSS, and `white #ffffff` is one colour."""
    joined: list[str] = []
    for word in words:
        if joined and joined[-1] + word in ImageColor.colormap:
            joined[-1] += word
        elif not (joined and _is_same_color(joined[-1], word)):
            joined.append(word)
    return joined
