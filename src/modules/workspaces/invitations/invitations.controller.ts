import { Autowired, Controller, Delete, Get, Post } from '@forinda/kickjs-core'
import type { RouteContext } from '@forinda/kickjs-http'
import { Access } from '../../../access/access.js'
import { acceptInvitation, invite, listInvitations, revokeInvitation } from './invitations.contract.js'
import { InvitationsRepository } from './invitations.repository.js'
import { InvitationsService } from './invitations.service.js'

@Controller()
export class InvitationsController {
  @Autowired(Access) private access!: Access
  @Autowired(InvitationsService) private invitations!: InvitationsService
  @Autowired(InvitationsRepository) private stored!: InvitationsRepository

  @Post('/workspaces/:workspaceId/invite', invite)
  async invite(ctx: RouteContext<typeof invite>) {
    const { workspaceId } = ctx.params
    const invitation = await this.invitations.invite(ctx.user, workspaceId, ctx.body)
    return ctx.created(invitation, `/api/v1/workspaces/${workspaceId}/invitations`)
  }

  @Get('/workspaces/:workspaceId/invitations', listInvitations)
  async list({ user, params, query }: RouteContext<typeof listInvitations>) {
    await this.access.workspace(user, params.workspaceId, 'admin')
    return this.stored.forWorkspace(params.workspaceId, query)
  }

  @Post('/invitations/accept', acceptInvitation)
  accept({ user, body }: RouteContext<typeof acceptInvitation>) {
    return this.invitations.accept(user, body.token)
  }

  @Delete('/invitations/:invitationId', revokeInvitation)
  revoke({ user, params }: RouteContext<typeof revokeInvitation>) {
    return this.invitations.revoke(user, params.invitationId)
  }
}
