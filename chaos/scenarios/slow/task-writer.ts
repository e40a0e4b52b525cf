import { setTimeout as delay } from 'node:timers/promises'
import type { Api } from '../../../test/support/api.js'
import type { Place } from '../../lab/people.js'

/** An activity tells no more than a thousand characters of a text: of these each has four bytes. */
const LONG_TEXT = '🐌'.repeat(1_000)
const AT_ONCE = 50
const PAUSE_MS = 250

/** Changes tasks so that their activities are large: four times in a second one of eight kilobytes. */
export class TaskWriter {
  private isWriting = true
  private readonly writing: Promise<void>

  private constructor(
    private readonly api: Api,
    private readonly projectId: string,
    taskId: string,
  ) {
    this.writing = this.changeAgainAndAgain(taskId)
  }

  static async start({ owner, workspaceId }: Place): Promise<TaskWriter> {
    const { api } = owner
    const project = await api.data('POST', `/workspaces/${workspaceId}/projects`, {
      name: 'Slow',
      key: 'SLOW',
    })
    const task = await api.data('POST', `/projects/${project.id}/tasks`, { title: 'changed' })
    return new TaskWriter(api, String(project.id), String(task.id))
  }

  /** Adds tasks, with four kilobytes of activity for each. */
  async flood(): Promise<void> {
    const tasks = Array.from({ length: AT_ONCE }, () => ({ title: 'long', description: LONG_TEXT }))
    await this.api.data('POST', `/projects/${this.projectId}/tasks/bulk`, { tasks })
  }

  /** Resolves when the last change has been answered. Errors: of any change. */
  async stop(): Promise<void> {
    this.isWriting = false
    await this.writing
  }

  private async changeAgainAndAgain(taskId: string) {
    for (let n = 0; this.isWriting; n++) {
      const description = `${n} ${LONG_TEXT}`
      await Promise.all([this.api.data('PATCH', `/tasks/${taskId}`, { description }), delay(PAUSE_MS)])
    }
  }
}
