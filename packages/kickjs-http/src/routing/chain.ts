import type { NextFunction, Request, RequestHandler, Response } from 'express'

/**
 * Middleware as few steps of Express, which spends on each step about as much as a small middleware itself. Routers,
 * whose routes Express has to know, and handlers of errors stay steps of their own.
 */
export function joinSteps(handlers: readonly RequestHandler[]): RequestHandler[] {
  const steps: RequestHandler[] = []
  let plain: RequestHandler[] = []
  for (const handler of handlers) {
    if (isPlain(handler)) plain.push(handler)
    else {
      steps.push(...chain(plain), handler)
      plain = []
    }
  }
  return [...steps, ...chain(plain)]
}

function isPlain(handler: RequestHandler): boolean {
  return !('handle' in handler) && handler.length <= 3
}

function chain(handlers: readonly RequestHandler[]): RequestHandler[] {
  return handlers.length === 0 ? [] : [(req, res, next) => run(handlers, 0, req, res, next)]
}

/** Each has its own `try`, so that none sees what those after it throw. */
function run(
  handlers: readonly RequestHandler[],
  at: number,
  req: Request,
  res: Response,
  next: NextFunction,
): void {
  const handler = handlers[at]
  if (!handler) {
    next()
    return
  }
  const goOn = (error?: unknown) => {
    // What leaves a route only is nothing to middleware.
    if (error && error !== 'route') next(error)
    else run(handlers, at + 1, req, res, next)
  }
  try {
    const done: unknown = handler(req, res, goOn)
    if (done instanceof Promise) done.catch(error => goOn(error || new Error('Rejected promise')))
  } catch (error) {
    goOn(error)
  }
}
