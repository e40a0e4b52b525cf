/** Waits for what is to be found in what is heard: whoever hears something calls `look`. */
export class Lookout {
  private readonly waiting = new Set<() => void>()

  look(): void {
    for (const look of [...this.waiting]) look()
  }

  /** Waits until something can be found, or for so many milliseconds. */
  until<T>(find: () => T | undefined, missing = () => 'It was not heard', withinMs = 60_000): Promise<T> {
    return new Promise((resolve, reject) => {
      const done = () => {
        clearTimeout(timer)
        this.waiting.delete(look)
      }
      const look = () => {
        const found = find()
        if (found === undefined) return
        done()
        resolve(found)
      }
      const timer = setTimeout(() => {
        done()
        reject(new Error(missing()))
      }, withinMs)
      this.waiting.add(look)
      look()
    })
  }
}
