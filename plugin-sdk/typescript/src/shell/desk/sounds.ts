//! Short sounds, made on the spot: no file has to be loaded, and none of a plugin's is played at the operator's origin.

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
