// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text;
using System.Xml;

namespace Tombolo.Machines;

/// <summary>What libvirt needs to join doorbell servers: elements for a domain's <c>&lt;devices&gt;</c>.</summary>
/// <remarks>
/// Source: libvirt "Domain XML format", shared memory device. The size is the server's business and is left out; ioeventfd="on" (libvirt's default) lets QEMU hand a
/// doorbell's eventfd to the kernel.
/// </remarks>
public static class LibvirtXml
{
    /// <summary>One <c>&lt;shmem&gt;</c> element for each server, indented by four blanks as inside <c>&lt;devices&gt;</c>.</summary>
    /// <param name="attachments">The servers to join.</param>
    public static string ForDevices(IEnumerable<MachineAttachment> attachments)
    {
        var text = new StringBuilder();
        var settings = new XmlWriterSettings { OmitXmlDeclaration = true, Indent = true, IndentChars = "  ", ConformanceLevel = ConformanceLevel.Fragment, NewLineChars = "\n" };
        using (var writer = XmlWriter.Create(text, settings))
            foreach (MachineAttachment attachment in attachments) Write(writer, attachment);
        return string.Concat(text.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => $"    {line}\n"));
    }

    private static void Write(XmlWriter writer, MachineAttachment attachment)
    {
        writer.WriteStartElement("shmem");
        writer.WriteAttributeString("name", attachment.Name);
        writer.WriteStartElement("model");
        writer.WriteAttributeString("type", "ivshmem-doorbell");
        writer.WriteEndElement();
        writer.WriteStartElement("server");
        writer.WriteAttributeString("path", attachment.SocketPath);
        writer.WriteEndElement();
        writer.WriteStartElement("msi");
        writer.WriteAttributeString("vectors", attachment.Vectors.ToString(CultureInfo.InvariantCulture));
        writer.WriteAttributeString("ioeventfd", "on");
        writer.WriteEndElement();
        writer.WriteEndElement();
    }
}
