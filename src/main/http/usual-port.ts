/** The port that the documentation gives to `rea serve --http`. */
export const USUAL_PORT = 7332;
