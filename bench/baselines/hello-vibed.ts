import { Controller, Get } from '@forinda/kickjs-core'
import { z } from 'zod'

/**
 * Vibed as built, with one more route: everything that each request crosses, and no work of its own. It is the last
 * of all routes, so it pays for the way to it as much as a route can.
 */
const hello = {
  name: 'hello',
  params: z.object({ name: z.string().max(50) }),
  query: z.strictObject({ loud: z.literal('yes').optional() }),
  response: z.object({ hello: z.string() }),
}

@Controller()
class HelloController {
  @Get('/hello/:name', hello)
  hello({ params }: { params: z.output<typeof hello.params> }) {
    return { hello: params.name }
  }
}

const built = (file: string) => new URL(`../../../../dist/${file}`, import.meta.url).href
const { controllers }: typeof import('../../src/app.js') = await import(built('app.js'))
controllers.push(HelloController)
await import(built('main.js'))
