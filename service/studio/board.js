// What shows through where a picture is transparent.

const SQUARE_PX = 10;

/** A tile of a checkerboard, for `createPattern`. */
export function checkerboard() {
  const board = new OffscreenCanvas(2 * SQUARE_PX, 2 * SQUARE_PX);
  const context = board.getContext("2d");
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, board.width, board.height);
  context.fillStyle = "#dcd9d3";
  context.fillRect(0, 0, SQUARE_PX, SQUARE_PX);
  context.fillRect(SQUARE_PX, SQUARE_PX, SQUARE_PX, SQUARE_PX);
  return board;
}
