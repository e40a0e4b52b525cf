import { Autowired, Controller, Get, Patch } from '@forinda/kickjs-core'
import type { RouteContext } from '@forinda/kickjs-http'
import { Access } from '../../access/access.js'
import { refuse } from '../../errors.js'
import { getMe, getUser, updateMe } from './users.contract.js'
import { UsersRepository } from './users.repository.js'
import { UsersService } from './users.service.js'

@Controller()
export class UsersController {
  @Autowired(Access) private access!: Access
  @Autowired(UsersRepository) private stored!: UsersRepository
  @Autowired(UsersService) private users!: UsersService

  @Get('/users/me', getMe)
  async me({ user }: RouteContext<typeof getMe>) {
    const me = await this.stored.byId(user.id)
    if (!me) throw refuse('USER_NOT_FOUND')
    return me
  }

  @Patch('/users/me', updateMe)
  update({ user, body }: RouteContext<typeof updateMe>) {
    return this.users.update(user, body)
  }

  @Get('/users/:userId', getUser)
  user({ user, params }: RouteContext<typeof getUser>) {
    return this.access.person(user, params.userId)
  }
}
