import { designType, metadataOf, ownMetadata } from './metadata.js'
import { type Class, Scope, type Token } from './scope.js'

interface InjectableOptions {
  scope?: Scope
}

function injectable({ scope = Scope.SINGLETON }: InjectableOptions = {}) {
  return (target: Class): void => {
    ownMetadata(target).scope = scope
  }
}

/**
 * Marks a class that the container may construct, once or (`Scope.TRANSIENT`) for each resolve.
 * The four names differ in what they tell a reader.
 */
export const Injectable = injectable
export const Service = injectable
export const Repository = injectable
export const Component = injectable

/** Marks a class whose methods are routes, all below `path`. */
export function Controller(path = '/', options?: InjectableOptions) {
  return (target: Class): void => {
    injectable(options)(target)
    ownMetadata(target).controllerPath = path
  }
}

/** The path given to `@Controller`, or undefined for any other class. */
export function getControllerPath(target: Class): string | undefined {
  return metadataOf(target).controllerPath
}

/** Names the dependency of a constructor parameter, where its type alone does not. */
export function Inject(token: Token) {
  return (target: object, _property: undefined, index: number): void => {
    ownMetadata(target).constructorTokens.set(index, token)
  }
}

/**
 * Fills a property with a dependency before `@PostConstruct` runs: by the token given, or by the
 * property's type where TypeScript emits it (`emitDecoratorMetadata`).
 */
export function Autowired(token?: Token) {
  return (prototype: object, property: string): void => {
    ownMetadata(prototype.constructor).injections.set(property, () => {
      const found = token ?? designType(prototype, property)
      if (found === undefined || found === Object) {
        throw new Error(
          `${prototype.constructor.name}.${property}: @Autowired() cannot tell the type; give it the token`,
        )
      }
      return found
    })
  }
}

/**
 * Fills a property with the environment variable `key` (a string, as it is written there), or with
 * `fallback` where it is not set. With neither, constructing the class fails.
 */
export function Value(key: string, fallback?: unknown) {
  return (prototype: object, property: string): void => {
    ownMetadata(prototype.constructor).values.set(property, { key, fallback })
  }
}

/**
 * Calls the method once the instance has its dependencies, a parent's before a subclass's. What it
 * throws fails the construction; nobody waits for an async one, whose rejection is logged.
 */
export function PostConstruct() {
  return (prototype: object, method: string): void => {
    ownMetadata(prototype.constructor).postConstruct.push(method)
  }
}
