export type { AdapterContext, AppAdapter, AppModule, ModuleRoutes } from './adapter.js'
export { Container } from './container.js'
export { type FieldError, HttpException, type HttpExceptionOptions } from './http-exception.js'
export { HttpStatus } from './http-status.js'
export {
  Autowired,
  Component,
  Controller,
  getControllerPath,
  Inject,
  Injectable,
  PostConstruct,
  Repository,
  Service,
  Value,
} from './injection.js'
export { Logger } from './logger.js'
export { type Milestone, Pace } from './pace.js'
export { reactive, toRefs } from './reactivity/reactive.js'
export { computed, isRef, type ReadonlyRef, type Ref, ref, unref, watch } from './reactivity/ref.js'
export {
  Delete,
  Get,
  type HttpMethod,
  Middleware,
  methodFlag,
  middlewareOf,
  Patch,
  Post,
  Put,
  type RequestHandler,
  type RouteDefinition,
  type RouteSchemas,
  routesOf,
  type Schema,
} from './routes.js'
export { type Class, type ContextUser, Scope, type Token } from './scope.js'
