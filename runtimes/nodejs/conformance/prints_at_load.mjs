console.log('loading')

export const main = () => 'loaded'
