import { readFileSync } from 'node:fs'
import { type AppAdapter, type Class, routesOf, Service } from '@forinda/kickjs-core'
import { z } from 'zod'
import { components } from './components.js'
import { type MountedRoute, type Operation, operationOf } from './operation.js'

/** An OpenAPI 3.1 document, as far as we write one. */
export interface OpenapiDocument {
  openapi: '3.1.0'
  info: { title: string; version: string; description: string }
  servers: { url: string }[]
  paths: Record<string, Record<string, Operation>>
  components: Record<string, Record<string, object>>
}

const packageFile = new URL('../../../package.json', import.meta.url)
const aboutUs = z.object({ version: z.string(), description: z.string() })

/** Describes the API from its routes. As an adapter of the application it learns which are mounted. */
@Service()
export class OpenapiService implements AppAdapter {
  readonly name = 'Openapi'
  private readonly routes: MountedRoute[] = []
  private described: OpenapiDocument | undefined

  onRouteMount(controller: Class, prefix: string): void {
    for (const route of routesOf(controller)) {
      const path = `${prefix}/${route.path}`.replace(/\/+/g, '/')
      this.routes.push({ ...route, controller, path })
    }
  }

  /** The document, described on first use, when all is mounted. */
  document(): OpenapiDocument {
    this.described ??= this.describe()
    return this.described
  }

  private describe(): OpenapiDocument {
    const { version, description } = aboutUs.parse(JSON.parse(readFileSync(packageFile, 'utf8')))
    const paths: OpenapiDocument['paths'] = {}
    const named = new Set<string>()
    for (const route of this.routes) {
      const operationId = route.schemas.name ?? route.handler
      const isAlias = named.has(operationId)
      named.add(operationId)
      const path = route.path.replace(/:(\w+)/g, '{$1}')
      const operation = operationOf(route)
      paths[path] = { ...paths[path], [route.method]: isAlias ? operation : { operationId, ...operation } }
    }
    return {
      openapi: '3.1.0',
      info: { title: 'Vibed', version, description },
      servers: [{ url: '/' }],
      paths,
      components,
    }
  }
}
