import { Autowired, Controller, Delete, Get, Patch, Post } from '@forinda/kickjs-core'
import type { RouteContext } from '@forinda/kickjs-http'
import { Access } from '../../access/access.js'
import { createProject, deleteProject, getProject, listProjects, updateProject } from './projects.contract.js'
import { ProjectsRepository } from './projects.repository.js'
import { ProjectsService } from './projects.service.js'

@Controller()
export class ProjectsController {
  @Autowired(Access) private access!: Access
  @Autowired(ProjectsService) private projects!: ProjectsService
  @Autowired(ProjectsRepository) private stored!: ProjectsRepository

  @Post('/workspaces/:workspaceId/projects', createProject)
  async create(ctx: RouteContext<typeof createProject>) {
    const project = await this.projects.create(ctx.user, ctx.params.workspaceId, ctx.body)
    return ctx.created(project, `/api/v1/projects/${project.id}`)
  }

  @Get('/workspaces/:workspaceId/projects', listProjects)
  async list({ user, params, query }: RouteContext<typeof listProjects>) {
    await this.access.workspace(user, params.workspaceId)
    return this.stored.forWorkspace(user.id, params.workspaceId, query)
  }

  @Get('/projects/:projectId', getProject)
  get({ user, params }: RouteContext<typeof getProject>) {
    return this.projects.seen(user, params.projectId)
  }

  @Patch('/projects/:projectId', updateProject)
  update({ user, params, body }: RouteContext<typeof updateProject>) {
    return this.projects.update(user, params.projectId, body)
  }

  @Delete('/projects/:projectId', deleteProject)
  delete({ user, params }: RouteContext<typeof deleteProject>) {
    return this.projects.delete(user, params.projectId)
  }
}
