import { Autowired, Controller, Get, Patch, Put } from '@forinda/kickjs-core'
import type { RouteContext } from '@forinda/kickjs-http'
import { Access } from '../../../access/access.js'
import {
  getChannelNotifications,
  getNotificationSettings,
  setChannelNotifications,
  updateNotificationSettings,
} from './preferences.contract.js'
import { PreferencesRepository } from './preferences.repository.js'

/** What somebody wants to be told of is his own affair: there are no rules to it, and nobody else learns of it. */
@Controller()
export class PreferencesController {
  @Autowired(Access) private access!: Access
  @Autowired(PreferencesRepository) private preferences!: PreferencesRepository

  @Get('/notifications/settings', getNotificationSettings)
  settings({ user }: RouteContext<typeof getNotificationSettings>) {
    return this.preferences.settingsOf(user)
  }

  @Patch('/notifications/settings', updateNotificationSettings)
  update({ user, body }: RouteContext<typeof updateNotificationSettings>) {
    return this.preferences.change(user, body)
  }

  @Get('/channels/:channelId/notifications', getChannelNotifications)
  async level({ user, params }: RouteContext<typeof getChannelNotifications>) {
    await this.access.channel(user, params.channelId)
    return { level: await this.preferences.levelOf(user, params.channelId) }
  }

  @Put('/channels/:channelId/notifications', setChannelNotifications)
  async setLevel({ user, params, body }: RouteContext<typeof setChannelNotifications>) {
    const channel = await this.access.channel(user, params.channelId)
    await this.preferences.setLevel(user, channel, body.level)
    return body
  }
}
