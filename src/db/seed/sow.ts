import type { Container } from '@forinda/kickjs-core'
import { inArray } from 'drizzle-orm'
import type { Asker } from '../../access/asker.js'
import { StartupError } from '../../errors.js'
import { LabelsService } from '../../modules/labels/labels.service.js'
import { InvitationsService } from '../../modules/workspaces/invitations/invitations.service.js'
import { WorkspacesService } from '../../modules/workspaces/workspaces.service.js'
import { Database } from '../database.js'
import { users } from '../schema/people.js'
import { setOperator } from '../set-operator.js'
import { type Cast, registerCast } from './cast.js'
import { demoLogins, markSeeded } from './demo-logins.js'
import { growOld } from './grow-old.js'
import { northwind } from './northwind.js'
import { festival, sideProject } from './small-teams.js'
import { sowNotifications } from './sow-notifications.js'
import { sowChannel } from './sow-talk.js'
import { sowProject } from './sow-work.js'
import { people, type Workspace } from './story.js'

/**
 * Fills a database with a believable team. Everything goes through the services, as if its people had
 * done it, so that numbers, sequences and activity are what they would be.
 * @returns false where that was done before: then nothing is changed
 * @throws StartupError where an earlier seed was cut short
 */
export async function sow(container: Container, now = Date.now()): Promise<boolean> {
  const database = container.resolve(Database)
  if ((await demoLogins(database)).length > 0) return false
  await refuseHalfSown(database)
  const cast = await registerCast(container)
  await setOperator(database, people.ada.email, true)
  const main = await sowWorkspace(container, cast, northwind, now)
  const others = [
    await sowWorkspace(container, cast, festival, now),
    await sowWorkspace(container, cast, sideProject, now),
  ]
  const time = new Date(now).toISOString()
  await growOld(database, [main, ...others], time)
  await sowNotifications(
    container,
    Object.values(cast).map(({ id }) => id),
    time,
  )
  await markSeeded(database, main)
  return true
}

async function refuseHalfSown({ query }: Database): Promise<void> {
  const emails = Object.values(people).map(({ email }) => email)
  const [known] = await query
    .select({ email: users.email })
    .from(users)
    .where(inArray(users.email, emails))
    .limit(1)
  if (known) {
    throw new StartupError(
      `There is a user ${known.email}, but not all of the demo data: seed an empty database, or another VIBED_DATA_DIR`,
    )
  }
}

async function sowWorkspace(
  container: Container,
  cast: Cast,
  { name, owner, members, labels: colors, projects, channels }: Workspace,
  now: number,
): Promise<string> {
  const { id: workspaceId } = await container.resolve(WorkspacesService).create(cast[owner], { name })
  const invitations = container.resolve(InvitationsService)
  for (const [member, role] of members) {
    const { token } = await invitations.invite(cast[owner], workspaceId, { email: cast[member].email, role })
    await invitations.accept(cast[member], token)
  }
  for (const channel of channels) await sowChannel(container, cast, workspaceId, channel)
  const labels = await sowLabels(container, cast[owner], workspaceId, colors)
  const site = { workspaceId, owner, labels, now }
  for (const project of projects) await sowProject(container, cast, site, project)
  return workspaceId
}

/** Gives the ids of the labels by their names. */
async function sowLabels(
  container: Container,
  owner: Asker,
  workspaceId: string,
  colors: Record<string, string>,
) {
  const ids = new Map<string, string>()
  for (const [name, color] of Object.entries(colors)) {
    const { id } = await container.resolve(LabelsService).create(owner, workspaceId, { name, color })
    ids.set(name, id)
  }
  return ids
}
