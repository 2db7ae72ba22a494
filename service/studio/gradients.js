// Gradients to put behind a subject. The service takes them as pictures, like any other background.

const SIDE_PX = 1024; // a gradient has nothing finer to show

/** From the top left to the bottom right, or straight down. */
export const GRADIENTS = {
  Dawn: { to: [0, 1], colors: ["#fbd3b4", "#f2a7b5", "#a597d8"] },
  Lagoon: { to: [1, 1], colors: ["#c9f2ec", "#5cb8d6", "#2b6cb0"] },
  Studio: { to: [0, 1], colors: ["#f4f3f0", "#d5d2cb"] },
  Night: { to: [1, 1], colors: ["#3b3a63", "#16161f"] },
};

export const gradientCss = (name) => {
  const { to, colors } = GRADIENTS[name];
  return `linear-gradient(${to[0] ? "135deg" : "180deg"}, ${colors.join(", ")})`;
};

/** A PNG of it. */
export async function gradientFile(name) {
  const { to: [x, y], colors } = GRADIENTS[name];
  const canvas = new OffscreenCanvas(SIDE_PX, SIDE_PX);
  const context = canvas.getContext("2d");
  const gradient = context.createLinearGradient(0, 0, x * SIDE_PX, y * SIDE_PX);
  colors.forEach((color, index) => gradient.addColorStop(index / (colors.length - 1), color));
  context.fillStyle = gradient;
  context.fillRect(0, 0, SIDE_PX, SIDE_PX);
  return new File([await canvas.convertToBlob({ type: "image/png" })], `${name.toLowerCase()}.png`, { type: "image/png" });
}
