import { Autowired, Service } from '@forinda/kickjs-core'
import { Access } from '../../../access/access.js'
import type { Asker } from '../../../access/asker.js'
import type { Role } from '../../../access/roles.js'
import { Events } from '../../../events.js'
import type { Task } from '../../tasks/tasks.contract.js'
import type { Member } from './members.contract.js'
import { MembersRepository } from './members.repository.js'

@Service()
export class MembersService {
  @Autowired(Access) private access!: Access
  @Autowired(MembersRepository) private members!: MembersRepository
  @Autowired(Events) private events!: Events

  async changeRole(actor: Asker, workspaceId: string, userId: string, role: Role): Promise<Member> {
    await this.access.workspace(actor, workspaceId, 'admin')
    const place = { workspaceId, userId }
    const { member, changed, released } = await this.members.changeRole(actor.id, place, role)
    if (changed) this.events.emit('member.role_changed', place)
    this.tellOf(released)
    return member
  }

  async remove(actor: Asker, workspaceId: string, userId: string): Promise<void> {
    await this.access.workspace(actor, workspaceId, 'admin')
    const released = await this.members.remove(actor.id, { workspaceId, userId })
    this.events.emit('member.removed', { workspaceId, userId })
    this.tellOf(released)
  }

  async leave(member: Asker, workspaceId: string): Promise<void> {
    await this.access.workspace(member, workspaceId)
    const released = await this.members.leave({ workspaceId, userId: member.id })
    this.events.emit('member.removed', { workspaceId, userId: member.id })
    this.tellOf(released)
  }

  /** Of the tasks that lost an assignee. */
  private tellOf(released: readonly Task[]) {
    for (const task of released) this.events.emit('task.updated', { task })
  }
}
