import { Autowired, Controller, Delete, Put } from '@forinda/kickjs-core'
import type { RouteContext } from '@forinda/kickjs-http'
import { addReaction, removeReaction } from './reactions.contract.js'
import { ReactionsService } from './reactions.service.js'

@Controller()
export class ReactionsController {
  @Autowired(ReactionsService) private reactions!: ReactionsService

  @Put('/messages/:messageId/reactions/:emoji', addReaction)
  add({ user, params }: RouteContext<typeof addReaction>) {
    return this.reactions.add(user, params.messageId, params.emoji)
  }

  @Delete('/messages/:messageId/reactions/:emoji', removeReaction)
  async remove({ user, params }: RouteContext<typeof removeReaction>) {
    await this.reactions.remove(user, params.messageId, params.emoji)
  }
}
