import { Autowired, Service } from '@forinda/kickjs-core'
import type { z } from 'zod'
import { Access } from '../../access/access.js'
import type { Asker } from '../../access/asker.js'
import { refuse } from '../../errors.js'
import { Events } from '../../events.js'
import type { createWorkspace, updateWorkspace, Workspace } from './workspaces.contract.js'
import { WorkspacesRepository } from './workspaces.repository.js'

@Service()
export class WorkspacesService {
  @Autowired(Access) private access!: Access
  @Autowired(WorkspacesRepository) private workspaces!: WorkspacesRepository
  @Autowired(Events) private events!: Events

  async create(actor: Asker, given: z.output<typeof createWorkspace.body>): Promise<Workspace> {
    const workspaceId = await this.workspaces.create(actor.id, given)
    this.events.emit('member.added', { workspaceId, userId: actor.id })
    return this.seen(actor, workspaceId)
  }

  async update(
    actor: Asker,
    workspaceId: string,
    changes: z.output<typeof updateWorkspace.body>,
  ): Promise<Workspace> {
    await this.access.workspace(actor, workspaceId, 'admin')
    const changed = await this.workspaces.update(actor.id, workspaceId, changes)
    if (changed) this.events.emit('workspace.updated', { workspaceId })
    return this.seen(actor, workspaceId)
  }

  async delete(actor: Asker, workspaceId: string): Promise<void> {
    await this.access.workspace(actor, workspaceId, 'owner')
    await this.workspaces.softDelete(actor.id, workspaceId)
    this.events.emit('workspace.deleted', { workspaceId })
  }

  /** A workspace as this member sees it. */
  async seen(member: Asker, workspaceId: string): Promise<Workspace> {
    const workspace = await this.workspaces.byId(member.id, workspaceId)
    if (!workspace) throw refuse('WORKSPACE_NOT_FOUND')
    return workspace
  }
}
