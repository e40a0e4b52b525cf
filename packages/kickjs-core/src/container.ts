import { designParameters, metadataOf } from './metadata.js'
import { type Class, Scope, type Token } from './scope.js'

interface Registration {
  scope: Scope
  create(resolving: readonly Token[]): unknown
  /** Present once a singleton has been made. */
  made?: { instance: unknown }
}

/**
 * Constructs objects with their dependencies. A class marked `@Service()` and the like needs no
 * registration; interfaces and values are registered under a string or symbol.
 *
 * Errors: an unknown token and a circular dependency throw with the chain of names that led there.
 *
 * @example const container = new Container()
 *          container.registerInstance('Clock', clock)
 *          const tasks = container.resolve(TasksService)
 */
export class Container {
  private static shared: Container | undefined
  private readonly registrations = new Map<Token, Registration>()

  /** The process-wide container, which an `Application` uses when it is not given its own. */
  static getInstance(): Container {
    Container.shared ??= new Container()
    return Container.shared
  }

  /** Forgets the process-wide container, with all that it holds. */
  static reset(): void {
    Container.shared = undefined
  }

  register<T>(
    token: Token<T>,
    target: Class<T>,
    scope: Scope = metadataOf(target).scope ?? Scope.SINGLETON,
  ): this {
    return this.put(token, { scope, create: resolving => this.construct(target, resolving) })
  }

  registerInstance<T>(token: Token<T>, instance: T): this {
    return this.put(token, { scope: Scope.SINGLETON, create: () => instance, made: { instance } })
  }

  registerFactory<T>(
    token: Token<T>,
    factory: (container: Container) => T,
    scope: Scope = Scope.SINGLETON,
  ): this {
    return this.put(token, { scope, create: () => factory(this) })
  }

  resolve<T>(token: Token<T>): T {
    return this.find(token, []) as T
  }

  has(token: Token): boolean {
    return this.registrations.has(token)
  }

  /** What is registered: each token's name, its scope, and whether its singleton exists yet. */
  getRegistrations(): { token: string; scope: Scope; instantiated: boolean }[] {
    return [...this.registrations].map(([token, { scope, made }]) => ({
      token: nameOf(token),
      scope,
      instantiated: made !== undefined,
    }))
  }

  private put(token: Token, registration: Registration): this {
    this.registrations.set(token, registration)
    return this
  }

  private find(token: Token, resolving: readonly Token[]): unknown {
    const chain = [...resolving, token]
    if (resolving.includes(token)) throw new Error(`Circular dependency: ${namesOf(chain)}`)
    const registration = this.registrations.get(token) ?? this.adopt(token, chain)
    if (registration.made) return registration.made.instance
    const instance = registration.create(chain)
    if (registration.scope === Scope.SINGLETON) registration.made = { instance }
    return instance
  }

  private adopt(token: Token, chain: readonly Token[]): Registration {
    const scope = typeof token === 'function' ? metadataOf(token).scope : undefined
    if (typeof token !== 'function' || scope === undefined) {
      throw new Error(`Nothing is registered for ${namesOf(chain)}`)
    }
    const registration = { scope, create: (resolving: readonly Token[]) => this.construct(token, resolving) }
    this.registrations.set(token, registration)
    return registration
  }

  private construct(target: Class, resolving: readonly Token[]): unknown {
    const { constructorTokens, injections, values, postConstruct } = metadataOf(target)
    const types = designParameters(target)
    const parameters = Array.from({ length: Math.max(target.length, types.length) }, (_, index) => {
      const token = constructorTokens.get(index) ?? types[index]
      if (!isToken(token)) throw new Error(`Parameter ${index} of ${namesOf(resolving)} needs @Inject(token)`)
      return this.find(token, resolving)
    })
    const instance = Object(new target(...parameters))
    for (const [property, token] of injections) instance[property] = this.find(token(), resolving)
    for (const [property, { key, fallback }] of values) instance[property] = process.env[key] ?? fallback
    for (const method of postConstruct) instance[method]()
    return instance
  }
}

function isToken(value: unknown): value is Token {
  return (
    typeof value === 'string' ||
    typeof value === 'symbol' ||
    (typeof value === 'function' && value !== Object)
  )
}

function nameOf(token: Token): string {
  return typeof token === 'function' ? token.name : String(token)
}

function namesOf(tokens: readonly Token[]): string {
  return tokens.map(nameOf).join(' → ')
}
