import { Autowired, Service } from '@forinda/kickjs-core'
import type { z } from 'zod'
import { Access } from '../../access/access.js'
import type { Asker } from '../../access/asker.js'
import { refuse } from '../../errors.js'
import { Events } from '../../events.js'
import type { createProject, Project, updateProject } from './projects.contract.js'
import { ProjectsRepository } from './projects.repository.js'

@Service()
export class ProjectsService {
  @Autowired(Access) private access!: Access
  @Autowired(ProjectsRepository) private projects!: ProjectsRepository
  @Autowired(Events) private events!: Events

  async create(
    actor: Asker,
    workspaceId: string,
    given: z.output<typeof createProject.body>,
  ): Promise<Project> {
    await this.access.workspace(actor, workspaceId, 'member')
    const projectId = await this.projects.create(actor.id, { workspaceId, ...given })
    this.events.emit('project.created', { workspaceId, projectId })
    return this.seen(actor, projectId)
  }

  async update(
    actor: Asker,
    projectId: string,
    changes: z.output<typeof updateProject.body>,
  ): Promise<Project> {
    const project = await this.access.projectToManage(actor, projectId)
    const changed = await this.projects.update(actor.id, project, changes)
    if (changed) this.events.emit('project.updated', { workspaceId: project.workspaceId, projectId })
    return this.seen(actor, projectId)
  }

  async delete(actor: Asker, projectId: string): Promise<void> {
    const project = await this.access.projectToManage(actor, projectId)
    const { workspaceId } = project
    const channelIds = await this.projects.softDelete(actor.id, project)
    this.events.emit('project.deleted', { workspaceId, projectId })
    for (const channelId of channelIds) this.events.emit('channel.updated', { workspaceId, channelId })
  }

  /** A project as this reader sees it. */
  async seen(reader: Asker, projectId: string): Promise<Project> {
    const project = await this.projects.byId(reader.id, projectId)
    if (!project) throw refuse('PROJECT_NOT_FOUND')
    return project
  }
}
