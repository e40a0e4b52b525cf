import { z } from 'zod'
import { noQuery, uuid } from '../../../fields.contract.js'
import { message } from '../messages.contract.js'

/** How many different emojis one message takes. */
export const MOST_EMOJIS = 50

/** In UTF-16 units: families of four with their skin tones fit. */
const LONGEST_EMOJI = 32

const graphemes = new Intl.Segmenter()
/** Unicode's list, in which many are of several code points. Of the flag `v`, which is younger than our compile target. */
const LIST = '\\p{RGI_Emoji}'
const LISTED = new RegExp(`^${LIST}$`, 'v')
/** Those that are younger than the list we know, or not in it: a picture, with what may only change its looks. */
const PICTURE = /^\p{Extended_Pictographic}[\p{Extended_Pictographic}\p{Emoji_Component}]*$/u

function isEmoji(text: string): boolean {
  if (text.length > LONGEST_EMOJI || [...graphemes.segment(text)].length !== 1) return false
  return LISTED.test(text) || PICTURE.test(text)
}

/** In the spelling of the list: with or without the mark that asks for colour, it is the same emoji. */
function asListed(text: string): string {
  const spellings = [text, `${text}\uFE0F`, text.replaceAll('\uFE0F', '')]
  return spellings.find(spelling => LISTED.test(spelling)) ?? text
}

/** One emoji, whatever it is composed of: percent-encoded in the path. */
export const emoji = z.string().refine(isEmoji, 'must be one emoji').transform(asListed)

const params = z.object({ messageId: uuid, emoji })

export const addReaction = { name: 'addReaction', params, query: noQuery, response: message }
export const removeReaction = { name: 'removeReaction', params, query: noQuery }
