// The popup, back from the approval page: tells the merchant's page how it ended, through the
// hidden frame there, which is of this origin. The popup's name ends with the pair's own id.

const id = window.name.split("_").pop();
const outcome = Object.fromEntries(new URLSearchParams(window.location.search));

window.opener?.frames[`dispatch_${id}`]?.report(outcome);
