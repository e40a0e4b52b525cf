import { Autowired, Service } from '@forinda/kickjs-core'
import type { z } from 'zod'
import { Access } from '../../access/access.js'
import type { Asker } from '../../access/asker.js'
import { Events } from '../../events.js'
import type { AdvancedProject } from '../tasks/changes/step-tasks.js'
import type { createLabel, Label, updateLabel } from './labels.contract.js'
import { LabelsRepository } from './labels.repository.js'

@Service()
export class LabelsService {
  @Autowired(Access) private access!: Access
  @Autowired(LabelsRepository) private labels!: LabelsRepository
  @Autowired(Events) private events!: Events

  async create(actor: Asker, workspaceId: string, given: z.output<typeof createLabel.body>): Promise<Label> {
    await this.access.workspace(actor, workspaceId, 'member')
    return this.labels.create(actor.id, { workspaceId, ...given })
  }

  async update(actor: Asker, labelId: string, changes: z.output<typeof updateLabel.body>): Promise<Label> {
    const place = await this.access.label(actor, labelId, 'member')
    const { label, advanced } = await this.labels.update(actor.id, place, changes)
    this.announce(label.workspaceId, advanced)
    return label
  }

  /** The tasks that carry it lose it. */
  async delete(actor: Asker, labelId: string): Promise<void> {
    const place = await this.access.label(actor, labelId, 'member')
    this.announce(place.workspaceId, await this.labels.delete(actor.id, place))
  }

  /** One wake-up for each project, however many of its tasks changed: whoever shows them reads them. */
  private announce(workspaceId: string, advanced: readonly AdvancedProject[]) {
    for (const project of advanced) this.events.emit('project.advanced', { workspaceId, ...project })
  }
}
