//! Sounds: short ones that are made on the spot, and files of plugins, which are played from the plugin's own origin.

/** Pitches in hertz, one after the other. */
const SOUNDS: Record<string, number[]> = { success: [660, 880], warning: [520, 520], error: [330, 220] };
const PLAIN = [740];
const TONE_S = 0.14;

/** Plays a named sound, or a plain one. A browser that was never clicked in plays nothing. */
export function playSound(name: string): void {
  const context = new AudioContext();
  const volume = new GainNode(context, { gain: 0.08 });
  volume.connect(context.destination);
  const pitches = SOUNDS[name] ?? PLAIN;
  pitches.forEach((frequency, at) => {
    const tone = new OscillatorNode(context, { frequency });
    tone.connect(volume);
    tone.start(context.currentTime + at * TONE_S);
    tone.stop(context.currentTime + (at + 0.9) * TONE_S);
  });
  setTimeout(() => void context.close(), pitches.length * TONE_S * 1000 + 500);
}

/** Plays a file of a plugin's folder. Rejects with what is wrong; one that the browser holds back, since nobody has clicked yet, is silent. */
export async function playFile(origin: string, plugin: string, path: string): Promise<void> {
  if (!path.startsWith("assets/") || path.split("/").includes("..")) throw new Error(`playCustomSound plays a file below assets/, and ${JSON.stringify(path)} is none`);
  const sound = new Audio(`${origin}/_outboard/plugins/${encodeURIComponent(plugin)}/${path.split("/").map(encodeURIComponent).join("/")}`);
  try {
    await sound.play();
  } catch (error) {
    if ((error as DOMException).name !== "NotAllowedError") throw new Error(`${path} cannot be played: ${(error as Error).message}`);
  }
}
