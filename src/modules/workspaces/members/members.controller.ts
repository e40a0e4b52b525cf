import { Autowired, Controller, Delete, Get, Patch, Post } from '@forinda/kickjs-core'
import type { RouteContext } from '@forinda/kickjs-http'
import { Access } from '../../../access/access.js'
import { changeMemberRole, leaveWorkspace, listMembers, removeMember } from './members.contract.js'
import { MembersRepository } from './members.repository.js'
import { MembersService } from './members.service.js'

@Controller()
export class MembersController {
  @Autowired(Access) private access!: Access
  @Autowired(MembersService) private members!: MembersService
  @Autowired(MembersRepository) private stored!: MembersRepository

  @Get('/workspaces/:workspaceId/members', listMembers)
  async list({ user, params, query }: RouteContext<typeof listMembers>) {
    await this.access.workspace(user, params.workspaceId)
    return this.stored.forWorkspace(params.workspaceId, query)
  }

  @Patch('/workspaces/:workspaceId/members/:userId', changeMemberRole)
  changeRole({ user, params, body }: RouteContext<typeof changeMemberRole>) {
    return this.members.changeRole(user, params.workspaceId, params.userId, body.role)
  }

  @Delete('/workspaces/:workspaceId/members/:userId', removeMember)
  remove({ user, params }: RouteContext<typeof removeMember>) {
    return this.members.remove(user, params.workspaceId, params.userId)
  }

  @Post('/workspaces/:workspaceId/leave', leaveWorkspace)
  leave({ user, params }: RouteContext<typeof leaveWorkspace>) {
    return this.members.leave(user, params.workspaceId)
  }
}
