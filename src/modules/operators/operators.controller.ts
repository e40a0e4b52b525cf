import { Autowired, Controller, Delete, Get, Patch } from '@forinda/kickjs-core'
import type { RouteContext } from '@forinda/kickjs-http'
import { Access } from '../../access/access.js'
import { AccountsService } from '../auth/accounts.service.js'
import { ConnectionsService } from './connections.service.js'
import { closeConnection, listConnections, updateAccount } from './operators.contract.js'

/** For those who run the server. */
@Controller()
export class OperatorsController {
  @Autowired(Access) private access!: Access
  @Autowired(ConnectionsService) private connections!: ConnectionsService
  @Autowired(AccountsService) private accounts!: AccountsService

  @Get('/admin/connections', listConnections)
  async list({ user, query }: RouteContext<typeof listConnections>) {
    await this.access.operator(user)
    return this.connections.list(query)
  }

  @Delete('/admin/connections/:connectionId', closeConnection)
  async close({ user, params }: RouteContext<typeof closeConnection>) {
    await this.access.operator(user)
    await this.connections.close(params.connectionId)
  }

  @Patch('/admin/users/:userId', updateAccount)
  async update({ user, params, body }: RouteContext<typeof updateAccount>) {
    await this.access.operator(user)
    return body.disabled ? this.accounts.shutOut(user, params.userId) : this.accounts.letIn(params.userId)
  }
}
