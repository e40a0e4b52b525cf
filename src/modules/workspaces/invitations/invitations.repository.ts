import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, asc, eq, getTableColumns, gt, isNull, sql } from 'drizzle-orm'
import { v7 } from 'uuid'
import { z } from 'zod'
import type { Role } from '../../../access/roles.js'
import { workspaceIsOpen } from '../../../access/visibility.js'
import { decodeCursor, encodeCursor } from '../../../cursor.js'
import { Database, type Queries } from '../../../db/database.js'
import { invitations, users, workspaceMembers, workspaces } from '../../../db/schema/people.js'
import { refuse } from '../../../errors.js'
import { uuid } from '../../../fields.contract.js'
import type { Mail } from '../../../mail/mail.js'
import { Mailer } from '../../../mailer.js'
import { type Page, type PageQuery, toPage } from '../../../pagination.js'
import {
  lockWorkspace,
  nextActivitySeq,
  recordActivity,
  recordNextActivity,
} from '../../activity/record-activity.js'
import { markPublicChannelsRead } from '../members/joining.js'
import { roleOf } from '../members/role-of.js'
import { manages, refuseRoleAbove } from '../members/role-rules.js'
import type { Invitation } from './invitations.contract.js'

export interface NewInvitation {
  workspaceId: string
  email: string
  role: Role
  tokenHash: string
  expiresAt: string
}

const invitationRow = {
  id: invitations.id,
  email: invitations.email,
  role: invitations.role,
  invitedBy: invitations.invitedBy,
  createdAt: invitations.createdAt,
  expiresAt: invitations.expiresAt,
}
const isPending = and(isNull(invitations.acceptedAt), isNull(invitations.revokedAt))

@Repository()
export class InvitationsRepository {
  @Autowired(Database) private db!: Database
  @Autowired(Mailer) private mailer!: Mailer

  /** The invitations that nobody has accepted, expired ones included, the oldest first. */
  async forWorkspace(workspaceId: string, query: PageQuery): Promise<Page<Invitation>> {
    const after = query.cursor ? decodeCursor('invitations', z.tuple([uuid]), query.cursor) : undefined
    const rows = await this.db.query
      .select(invitationRow)
      .from(invitations)
      .where(and(eq(invitations.workspaceId, workspaceId), isPending, after && gt(invitations.id, after[0])))
      .orderBy(asc(invitations.id))
      .limit(query.limit + 1)
    return toPage(rows, query.limit, last => encodeCursor('invitations', [last.id]))
  }

  /**
   * A newer invitation for an address takes the place of the one before. A mail goes with it, where there is a server for mails.
   * @throws FORBIDDEN or ROLE_TOO_HIGH where the inviter may not give that role, or not take back the one before
   */
  create(inviterId: string, invitation: NewInvitation, mail: Mail): Promise<string> {
    const { workspaceId, email, role } = invitation
    const id = v7()
    return this.db.write(async tx => {
      const activity = await nextActivitySeq(tx, workspaceId)
      if (await isMember(tx, workspaceId, email)) throw refuse('ALREADY_MEMBER')
      const replaced = await tx
        .update(invitations)
        .set({ revokedAt: sql`now()` })
        .where(and(eq(invitations.workspaceId, workspaceId), eq(invitations.email, email), isPending))
        .returning({ role: invitations.role })
      const inviter = await roleOf(tx, workspaceId, inviterId)
      refuseRoleAbove(inviter, role, ...replaced.map(invitation => invitation.role))
      await tx.insert(invitations).values({ id, invitedBy: inviterId, ...invitation })
      await this.mailer.queue(tx, [mail])
      await recordActivity(tx, activity, {
        workspaceId,
        actorId: inviterId,
        type: 'member.invited',
        after: { invitationId: id, email, role },
      })
      return id
    })
  }

  /**
   * Makes the owner of the invited address a member, once, if whoever invited him might still do so;
   * `now` is an ISO time. Returns the workspace's id.
   */
  async accept(user: { id: string; email: string }, tokenHash: string, now: string): Promise<string> {
    const found = await byToken(this.db.query, tokenHash)
    if (!found) throw refuse('INVITATION_NOT_FOUND')
    const { workspaceId } = found
    await this.db.write(async tx => {
      await lockWorkspace(tx, workspaceId)
      const invitation = await byToken(tx, tokenHash)
      if (invitation?.email !== user.email || invitation.revokedAt !== null) {
        throw refuse('INVITATION_NOT_FOUND')
      }
      if (invitation.acceptedAt !== null) throw refuse('INVITATION_USED')
      if (invitation.expiresAt <= now) throw refuse('INVITATION_EXPIRED')
      const inviter = await roleOf(tx, workspaceId, invitation.invitedBy)
      if (!manages(inviter, invitation.role)) throw refuse('INVITATION_NOT_FOUND')
      await join(tx, { workspaceId, userId: user.id }, invitation.role)
      await tx.update(invitations).set({ acceptedAt: now }).where(eq(invitations.id, invitation.id))
    })
    return workspaceId
  }

  /** Revoking twice is no error, and is recorded once. */
  revoke(actorId: string, { id, workspaceId }: { id: string; workspaceId: string }): Promise<void> {
    return this.db.write(async tx => {
      await lockWorkspace(tx, workspaceId)
      const [revoked] = await tx
        .update(invitations)
        .set({ revokedAt: sql`now()` })
        .where(and(eq(invitations.id, id), isPending))
        .returning({ email: invitations.email, role: invitations.role })
      if (!revoked) return
      await recordNextActivity(tx, {
        workspaceId,
        actorId,
        type: 'member.uninvited',
        before: { invitationId: id, ...revoked },
      })
    })
  }
}

async function byToken(queries: Queries, tokenHash: string) {
  const [found] = await queries
    .select(getTableColumns(invitations))
    .from(invitations)
    .innerJoin(workspaces, eq(workspaces.id, invitations.workspaceId))
    .where(and(eq(invitations.tokenHash, tokenHash), workspaceIsOpen))
  return found
}

async function isMember(tx: Queries, workspaceId: string, email: string): Promise<boolean> {
  const found = await tx
    .select({ id: users.id })
    .from(users)
    .innerJoin(workspaceMembers, eq(workspaceMembers.userId, users.id))
    .where(and(eq(users.email, email), eq(workspaceMembers.workspaceId, workspaceId)))
  return found.length > 0
}

async function join(tx: Queries, place: { workspaceId: string; userId: string }, role: Role): Promise<void> {
  const { workspaceId, userId } = place
  const joined = await tx
    .insert(workspaceMembers)
    .values({ ...place, role })
    .onConflictDoNothing()
    .returning({ userId: workspaceMembers.userId })
  if (joined.length === 0) throw refuse('ALREADY_MEMBER')
  if (role !== 'guest') await markPublicChannelsRead(tx, place)
  const after = { userId, role }
  await recordNextActivity(tx, { workspaceId, actorId: userId, type: 'member.added', after })
}
