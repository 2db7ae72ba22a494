// What went wrong with a film, in words for people: see advice.js.

/** What is said in other words than of a picture: title, text (null: the service's own) and acts. */
export const OF_FILMS = {
  no_preview: ["This browser cannot show this video", "The service reads more kinds than browsers do: it can be made all the same, without a look at its frames before."],
  unsupported_video: ["This is no video that can be read here", "MP4, MOV, WebM, MKV, AVI, MPEG and GIF can be, and most others.", "choose"],
  undecodable_video: ["This video is damaged", "Download or export it once more, or take another one.", "choose"],
  missing_image: ["This file is empty", "It may not have been copied or downloaded to its end.", "choose"],
  video_too_long: ["This video is too long", null, "choose"],
  too_many_pixels: ["The frames of this video are too large", null, "choose"],
  too_many_jobs: ["Too many videos wait already", "Try again when one of them is done.", "again"],
  scope_missing: ["Your key is not for videos", "Ask whoever gave it to you for one with the scope `videos`."],
};
