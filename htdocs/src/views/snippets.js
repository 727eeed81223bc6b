// SPDX-License-Identifier: Apache-2.0
// Texts to copy: each is escaped for where it will be pasted.

const shell = (text) => `'${text.replaceAll("'", "'\\''")}'`;

const xml = (text) => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
    // what no document of XML 1.0 may hold
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, "\ufffd");

export const curlText = (upload, url) =>
    `curl -H "Authorization: Bearer $KEY" -L \\\n    -o ${shell(upload.filename)} \\\n    ${shell(url)}`;

/** The element physical of EML 2.2. */
export const emlText = (upload, url) => `<physical>
  <objectName>${xml(upload.filename)}</objectName>
  <size unit="byte">${upload.size}</size>
${[["MD5", upload.md5], ["SHA-1", upload.sha1], ["SHA-256", upload.sha256]].filter(([, value]) => value)
        .map(([method, value]) => `  <authentication method="${method}">${value}</authentication>\n`).join("")}  <dataFormat>
    <externallyDefinedFormat>
      <formatName>${xml(upload.content_type)}</formatName>
    </externallyDefinedFormat>
  </dataFormat>
  <distribution>
    <online>
      <url function="download">${xml(url)}</url>
    </online>
  </distribution>
</physical>`;
