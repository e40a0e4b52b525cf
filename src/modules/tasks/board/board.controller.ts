import { Autowired, Controller, Get } from '@forinda/kickjs-core'
import type { RouteContext } from '@forinda/kickjs-http'
import { Access } from '../../../access/access.js'
import { getBoard } from './board.contract.js'
import { BoardRepository } from './board.repository.js'

@Controller()
export class BoardController {
  @Autowired(Access) private access!: Access
  @Autowired(BoardRepository) private boards!: BoardRepository

  @Get('/projects/:projectId/board', getBoard)
  async get({ user, params }: RouteContext<typeof getBoard>) {
    return this.boards.forProject(await this.access.project(user, params.projectId))
  }
}
