import { Container, Service } from '@forinda/kickjs-core'
import { Cron, CronAdapter } from '@forinda/kickjs-cron'

@Service()
class PresenceCronJobs {
  @Cron('*/5 * * * *', { description: 'Clean up stale presence entries', runOnInit: true })
  async cleanupPresence() {
    console.log('cleaned up')
  }
}

const cron = new CronAdapter({ services: [PresenceCronJobs] })

// What `bootstrap({ modules, adapters: [cron] })` does with it:
cron.afterStart({ app: undefined, container: new Container() })
await cron.shutdown()
