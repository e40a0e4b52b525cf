import type { AppAdapter, Class } from '@forinda/kickjs-core'
import { buildRoutes } from '@forinda/kickjs-http'
import type { Express, RequestHandler } from 'express'

/** Serves controllers at the root, beside the API and its prefix; `onMount` is told of each, after those of the API. */
export class ServiceRoutes implements AppAdapter<Express, RequestHandler> {
  readonly name = 'ServiceRoutes'

  constructor(
    private readonly controllers: readonly Class[],
    private readonly onMount: (controller: Class, prefix: string) => void,
  ) {}

  middleware(): RequestHandler[] {
    return this.controllers.map(buildRoutes)
  }

  beforeStart(): void {
    for (const controller of this.controllers) this.onMount(controller, '/')
  }
}
