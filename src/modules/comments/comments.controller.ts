import { Autowired, Controller, Delete, Get, Patch, Post } from '@forinda/kickjs-core'
import type { RouteContext } from '@forinda/kickjs-http'
import { Access } from '../../access/access.js'
import { refuse } from '../../errors.js'
import { actorOf } from '../tasks/changes/actor.js'
import { addComment, deleteComment, editComment, getComment, listComments } from './comments.contract.js'
import { CommentsRepository } from './comments.repository.js'
import { CommentsService } from './comments.service.js'

@Controller()
export class CommentsController {
  @Autowired(Access) private access!: Access
  @Autowired(CommentsService) private comments!: CommentsService
  @Autowired(CommentsRepository) private stored!: CommentsRepository

  @Post('/tasks/:taskId/comments', addComment)
  async add(ctx: RouteContext<typeof addComment>) {
    const comment = await this.comments.add(actorOf(ctx), ctx.params.taskId, ctx.body)
    return ctx.created(comment, `/api/v1/comments/${comment.id}`)
  }

  @Get('/tasks/:taskId/comments', listComments)
  async list({ user, params, query }: RouteContext<typeof listComments>) {
    await this.access.task(user, params.taskId)
    return this.stored.forTask(params.taskId, query)
  }

  @Get('/comments/:commentId', getComment)
  async get({ user, params }: RouteContext<typeof getComment>) {
    await this.access.comment(user, params.commentId)
    const found = await this.stored.byId(params.commentId)
    if (!found) throw refuse('COMMENT_NOT_FOUND')
    return found
  }

  @Patch('/comments/:commentId', editComment)
  edit({ user, params, body }: RouteContext<typeof editComment>) {
    return this.comments.edit(user, params.commentId, body.content)
  }

  @Delete('/comments/:commentId', deleteComment)
  delete(ctx: RouteContext<typeof deleteComment>) {
    return this.comments.delete(actorOf(ctx), ctx.params.commentId)
  }
}
