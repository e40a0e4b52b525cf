import { Logger } from './logger.js'
import { constructorDependencies, metadataOf } from './metadata.js'
import { type Class, Scope, type Token } from './scope.js'

interface Registration {
  scope: Scope
  create(): unknown
  /** Present once a singleton has been made. */
  made?: { instance: unknown }
}

const logger = Logger.for('Container')

/**
 * Constructs objects with their dependencies. A class marked `@Service()` and the like needs no
 * registration; interfaces and values are registered under a string or symbol. Dependencies are
 * resolved when the object is made, so what is missing shows at start.
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
  /** What is being made right now, outermost first: factories that resolve are part of the chain. */
  private readonly resolving: Token[] = []

  /** `env` is where `@Value` reads from. */
  constructor(private readonly env: Readonly<Record<string, string | undefined>> = process.env) {}

  /** The process-wide container, which an `Application` uses when it is not given its own. */
  static getInstance(): Container {
    Container.shared ??= new Container()
    return Container.shared
  }

  /** Forgets the process-wide container, with all that it holds. */
  static reset(): void {
    Container.shared = undefined
  }

  /** Makes `token` stand for a class. Like every registration it replaces an earlier one. */
  register<T>(
    token: Token<T>,
    target: Class<T>,
    scope: Scope = metadataOf(target).scope ?? Scope.SINGLETON,
  ): this {
    return this.put(token, { scope, create: () => this.construct(target) })
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
    const registration = this.registrations.get(token) ?? this.adopt(token)
    return (registration.made ? registration.made.instance : this.make(token, registration)) as T
  }

  /** Whether `resolve` knows the token: registered, or a class that is marked injectable. */
  has(token: Token): boolean {
    return this.registrations.has(token) || scopeOf(token) !== undefined
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

  private make(token: Token, registration: Registration): unknown {
    if (this.resolving.includes(token)) throw new Error(`Circular dependency: ${this.chainTo(token)}`)
    this.resolving.push(token)
    try {
      const instance = registration.create()
      if (registration.scope === Scope.SINGLETON) registration.made = { instance }
      return instance
    } finally {
      this.resolving.pop()
    }
  }

  /** Registers a class that its decorator has marked, on first use; a `Logger` is named after its user. */
  private adopt(token: Token): Registration {
    const scope = scopeOf(token)
    if (typeof token !== 'function' || scope === undefined) {
      throw new Error(`Nothing is registered for ${this.chainTo(token)}`)
    }
    const create = () =>
      token === Logger ? Logger.for(nameOf(this.resolving.at(-2) ?? 'app')) : this.construct(token)
    const registration = { scope, create }
    this.put(token, registration)
    return registration
  }

  private construct(target: Class): unknown {
    const { injections, values, postConstruct } = metadataOf(target)
    const parameters = constructorDependencies(target).map((token, index) => {
      if (isToken(token)) return this.resolve(token)
      throw new Error(`Parameter ${index} of ${this.chainTo()} needs @Inject(token)`)
    })
    const instance: object = Object(new target(...parameters))
    const set = (property: string, value: unknown) => Object.assign(instance, { [property]: value })
    for (const [property, token] of injections) set(property, this.resolve(token()))
    for (const [property, { key, fallback }] of values) {
      const value = this.env[key] ?? fallback
      if (value === undefined)
        throw new Error(`${target.name}.${property} needs the environment variable ${key}`)
      set(property, value)
    }
    for (const method of postConstruct) callHook(instance, method)
    return instance
  }

  private chainTo(...last: Token[]): string {
    return [...this.resolving, ...last].map(nameOf).join(' → ')
  }
}

/** Calls a `@PostConstruct` method. Nobody can wait for an async one, so that its failure is logged. */
function callHook(instance: object, method: string): void {
  const outcome: unknown = Reflect.apply(Reflect.get(instance, method), instance, [])
  if (outcome instanceof Promise) {
    outcome.catch(error => logger.error({ err: error }, `${instance.constructor.name}.${method} failed`))
  }
}

function scopeOf(token: Token): Scope | undefined {
  if (token === Logger) return Scope.TRANSIENT
  return typeof token === 'function' ? metadataOf(token).scope : undefined
}

function isToken(value: unknown): value is Token {
  return (
    typeof value === 'string' ||
    typeof value === 'symbol' ||
    (typeof value === 'function' && value !== Object)
  )
}

function nameOf(token: Token): string {
  return typeof token === 'function' ? token.name || 'an anonymous class' : String(token)
}
