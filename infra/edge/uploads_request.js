// Runs in CloudFront before a file is handed on to the uploads bucket, which takes signed forms at its root only. S3
// reads the form; of the headers it gets what a form needs: not the visitor's cookies, no token, no header that S3 knows.
var NEEDED = /^(access-control-request-(headers|method)|content-(length|type)|expect|host|origin|transfer-encoding|via)$/;

function handler(event) {
  var request = event.request;
  if (request.method !== 'POST' && request.method !== 'OPTIONS') {
    return { statusCode: 405, statusDescription: 'Method Not Allowed', headers: { allow: { value: 'OPTIONS, POST' } } };
  }
  for (var name in request.headers) if (!NEEDED.test(name)) delete request.headers[name];
  request.cookies = {};
  request.querystring = {};
  request.uri = '/';
  return request;
}
