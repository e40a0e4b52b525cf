import { Autowired, Service } from '@forinda/kickjs-core'
import { Access } from '../../../access/access.js'
import type { Role } from '../../../access/roles.js'
import { Events } from '../../../events.js'
import type { Member } from './members.contract.js'
import { MembersRepository } from './members.repository.js'

interface Actor {
  id: string
}

@Service()
export class MembersService {
  @Autowired(Access) private access!: Access
  @Autowired(MembersRepository) private members!: MembersRepository
  @Autowired(Events) private events!: Events

  async changeRole(actor: Actor, workspaceId: string, userId: string, role: Role): Promise<Member> {
    await this.access.workspace(actor, workspaceId, 'admin')
    const { member, changed } = await this.members.changeRole(actor.id, { workspaceId, userId }, role)
    if (changed) this.events.emit('member.role_changed', { workspaceId, userId })
    return member
  }

  async remove(actor: Actor, workspaceId: string, userId: string): Promise<void> {
    await this.access.workspace(actor, workspaceId, 'admin')
    await this.members.remove(actor.id, { workspaceId, userId })
    this.events.emit('member.removed', { workspaceId, userId })
  }

  async leave(member: Actor, workspaceId: string): Promise<void> {
    await this.access.workspace(member, workspaceId)
    await this.members.leave({ workspaceId, userId: member.id })
    this.events.emit('member.removed', { workspaceId, userId: member.id })
  }
}
