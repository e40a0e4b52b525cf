import { Autowired, Service } from '@forinda/kickjs-core'
import type { z } from 'zod'
import { Access } from '../../../access/access.js'
import type { Asker } from '../../../access/asker.js'
import { Events } from '../../../events.js'
import { hashToken, opaqueToken } from '../../auth/tokens.js'
import { refuseRoleAbove } from '../members/role-rules.js'
import type { Workspace } from '../workspaces.contract.js'
import { WorkspacesService } from '../workspaces.service.js'
import type { invite } from './invitations.contract.js'
import { InvitationsRepository } from './invitations.repository.js'

const VALID_MS = 7 * 24 * 60 * 60 * 1000

@Service()
export class InvitationsService {
  @Autowired(Access) private access!: Access
  @Autowired(WorkspacesService) private workspaces!: WorkspacesService
  @Autowired(InvitationsRepository) private invitations!: InvitationsRepository
  @Autowired(Events) private events!: Events

  /** The token is told here, and mailed where there is a mail server: the database keeps its hash. */
  async invite(
    inviter: Asker,
    workspaceId: string,
    { email, role }: z.output<typeof invite.body>,
    now = Date.now(),
  ) {
    const { name } = await this.access.workspace(inviter, workspaceId, 'admin')
    const token = opaqueToken()
    const expiresAt = new Date(now + VALID_MS).toISOString()
    const invitation = { workspaceId, email, role, tokenHash: hashToken(token), expiresAt }
    const mail = { to: email, subject: `You are invited to ${name}`, text: letter(name, token) }
    const invitationId = await this.invitations.create(inviter.id, invitation, mail)
    return { invitationId, token, expiresAt }
  }

  async accept(user: { id: string; email: string }, token: string, now = Date.now()): Promise<Workspace> {
    const workspaceId = await this.invitations.accept(user, hashToken(token), new Date(now).toISOString())
    this.events.emit('member.added', { workspaceId, userId: user.id })
    return this.workspaces.seen(user, workspaceId)
  }

  async revoke(actor: Asker, invitationId: string): Promise<void> {
    const invitation = await this.access.invitation(actor, invitationId)
    refuseRoleAbove(invitation.role, invitation.invitedRole)
    await this.invitations.revoke(actor.id, invitation)
  }
}

function letter(workspace: string, token: string): string {
  return `You are invited to join ${workspace} in Vibed. Sign in or register with this address, and send this
token to POST /api/v1/invitations/accept within 7 days:

${token}

If you do not know who invites you, there is nothing to do.`
}
