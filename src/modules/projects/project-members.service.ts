import { Autowired, Service } from '@forinda/kickjs-core'
import { Access } from '../../access/access.js'
import type { Asker } from '../../access/asker.js'
import { refuse } from '../../errors.js'
import { Events } from '../../events.js'
import type { ProjectMember } from './project-members.contract.js'
import { ProjectMembersRepository } from './project-members.repository.js'

@Service()
export class ProjectMembersService {
  @Autowired(Access) private access!: Access
  @Autowired(ProjectMembersRepository) private members!: ProjectMembersRepository
  @Autowired(Events) private events!: Events

  /** Adding somebody twice changes nothing. */
  async add(actor: Asker, projectId: string, userId: string): Promise<ProjectMember> {
    const { workspaceId } = await this.access.projectToManage(actor, projectId)
    const added = await this.members.add(actor.id, { workspaceId, projectId, userId })
    if (added) this.events.emit('project.member_added', { workspaceId, projectId, userId })
    const member = await this.members.byId(projectId, userId)
    if (!member) throw refuse('MEMBER_NOT_FOUND')
    return member
  }

  async remove(actor: Asker, projectId: string, userId: string): Promise<void> {
    const { workspaceId } = await this.access.projectToManage(actor, projectId)
    const released = await this.members.remove(actor.id, { workspaceId, projectId, userId })
    this.events.emit('project.member_removed', { workspaceId, projectId, userId })
    for (const task of released) this.events.emit('task.updated', { task })
  }
}
