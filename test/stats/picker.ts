/** Whole numbers below a bound, the same ones for the same seed. */
export function picker(seed: number) {
  let state = seed
  return (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return below === 0 ? 0 : Math.floor((state / 2 ** 32) * below)
  }
}
export type Pick = ReturnType<typeof picker>

export const randomSeed = () => Math.floor(Math.random() * 2 ** 31)

/** One of several. */
export function oneOf<T>(pick: Pick, things: readonly T[]): T {
  const found = things[pick(things.length)]
  if (found === undefined) throw new Error('There is nothing to pick from')
  return found
}
