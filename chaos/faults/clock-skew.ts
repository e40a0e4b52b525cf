/** Preloaded into a node whose clock is wrong by `CLOCK_SKEW_MS`. */
const skew = Number(process.env.CLOCK_SKEW_MS ?? 0)
const trueNow = Date.now
const now = () => trueNow() + skew

globalThis.Date = new Proxy(Date, {
  apply: () => new Date().toString(),
  construct: (target, args, made) => Reflect.construct(target, args.length > 0 ? args : [now()], made),
  get: (target, key, receiver) => (key === 'now' ? now : Reflect.get(target, key, receiver)),
})
