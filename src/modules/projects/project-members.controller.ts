import { Autowired, Controller, Delete, Get, Put } from '@forinda/kickjs-core'
import type { RouteContext } from '@forinda/kickjs-http'
import { Access } from '../../access/access.js'
import { addProjectMember, listProjectMembers, removeProjectMember } from './project-members.contract.js'
import { ProjectMembersRepository } from './project-members.repository.js'
import { ProjectMembersService } from './project-members.service.js'

@Controller()
export class ProjectMembersController {
  @Autowired(Access) private access!: Access
  @Autowired(ProjectMembersService) private members!: ProjectMembersService
  @Autowired(ProjectMembersRepository) private stored!: ProjectMembersRepository

  @Get('/projects/:projectId/members', listProjectMembers)
  async list({ user, params, query }: RouteContext<typeof listProjectMembers>) {
    await this.access.project(user, params.projectId)
    return this.stored.forProject(params.projectId, query)
  }

  @Put('/projects/:projectId/members/:userId', addProjectMember)
  add({ user, params }: RouteContext<typeof addProjectMember>) {
    return this.members.add(user, params.projectId, params.userId)
  }

  @Delete('/projects/:projectId/members/:userId', removeProjectMember)
  remove({ user, params }: RouteContext<typeof removeProjectMember>) {
    return this.members.remove(user, params.projectId, params.userId)
  }
}
