import { z } from 'zod'
import { noQuery, uuid } from '../../../fields.contract.js'
import { notificationType, notificationTypes } from '../notifications.contract.js'

/** How somebody wants to be told. What is muted he is not told of at all. */
export const notificationSettings = z.object({
  /** Each notification also by mail. */
  email: z.boolean(),
  /** One mail each morning, of what came the day before and is unread. */
  digest: z.boolean(),
  mutedTypes: z.array(notificationType),
})
export type NotificationSettings = z.infer<typeof notificationSettings>

export const getNotificationSettings = {
  name: 'getNotificationSettings',
  query: noQuery,
  response: notificationSettings,
}
export const updateNotificationSettings = {
  name: 'updateNotificationSettings',
  query: noQuery,
  body: z
    .strictObject({
      email: z.boolean(),
      digest: z.boolean(),
      mutedTypes: z
        .array(notificationType)
        .max(notificationTypes.length)
        .refine(types => new Set(types).size === types.length, 'must name each type once'),
    })
    .partial()
    .refine(body => Object.keys(body).length > 0, 'must change something'),
  response: notificationSettings,
}

/** Of which messages of a channel somebody is told; of mentions, and replies in his threads, unless he says otherwise. */
export const channelLevel = z.object({ level: z.enum(['all', 'mentions', 'none']) })
export type ChannelLevel = z.infer<typeof channelLevel>['level']

const channelParams = z.object({ channelId: uuid })

export const getChannelNotifications = {
  name: 'getChannelNotifications',
  params: channelParams,
  query: noQuery,
  response: channelLevel,
}
export const setChannelNotifications = {
  name: 'setChannelNotifications',
  params: channelParams,
  query: noQuery,
  body: channelLevel.strict(),
  response: channelLevel,
}
