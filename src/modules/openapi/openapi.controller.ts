import { createHash } from 'node:crypto'
import { Autowired, Controller, Get } from '@forinda/kickjs-core'
import type { RequestContext } from '@forinda/kickjs-http'
import { Public } from '../../http/route-flags.js'
import { docsPage } from './docs-page.js'
import { docsStyle } from './docs-style.js'
import { getDocs, getOpenapi, getRoot } from './openapi.contract.js'
import { OpenapiService } from './openapi.service.js'

/** The page has one style of its own and nothing else. */
const styleHash = createHash('sha256').update(docsStyle).digest('base64')
const policy = `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`

@Controller()
export class OpenapiController {
  @Autowired(OpenapiService) private openapi!: OpenapiService
  private page: string | undefined

  @Public()
  @Get('/openapi.json', getOpenapi)
  document(ctx: RequestContext) {
    ctx.json(this.openapi.document())
  }

  @Public()
  @Get('/', getRoot)
  root(ctx: RequestContext) {
    ctx.res.redirect('/docs')
  }

  @Public()
  @Get('/docs', getDocs)
  docs(ctx: RequestContext) {
    this.page ??= docsPage(this.openapi.document())
    ctx.res.setHeader('Content-Security-Policy', policy)
    ctx.html(this.page)
  }
}
