import { Controller, Get } from '@forinda/kickjs-core'
import { bootstrap } from '@forinda/kickjs-http'

class Slow {
  async slow() {
    process.send?.('asked')
    await new Promise(resolve => process.once('message', resolve))
    process.disconnect()
    return 'finished'
  }
}
Controller()(Slow)
Get('/slow')(Slow.prototype, 'slow')

const app = await bootstrap({
  modules: [{ routes: () => ({ path: '/', controller: Slow }) }],
  adapters: [{ shutdown: () => void process.send?.('stopping') }],
  port: Number(process.argv[2]),
  shutdownTimeoutMs: 60_000,
})
process.send?.(app.getHttpServer().address())
