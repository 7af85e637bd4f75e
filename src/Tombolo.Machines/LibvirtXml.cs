// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text;
using System.Xml;

namespace Tombolo.Machines;

/// <summary>What libvirt needs to join doorbell servers and virtual switches: elements for a domain's <c>&lt;devices&gt;</c>.</summary>
/// <remarks>
/// Source: libvirt "Domain XML format", shared memory device. The size is the server's business and is left out; ioeventfd="on" (libvirt's default) lets QEMU hand a
/// doorbell's eventfd to the kernel.
/// </remarks>
public static class LibvirtXml
{
    /// <summary>One <c>&lt;shmem&gt;</c> element for each server, indented by four blanks as inside <c>&lt;devices&gt;</c>.</summary>
    /// <param name="attachments">The servers to join.</param>
    public static string ForDevices(IEnumerable<MachineAttachment> attachments) => ForDevices(attachments, []);

    /// <summary>The same, and one <c>&lt;interface&gt;</c> for each network card.</summary>
    /// <param name="attachments">The servers to join.</param>
    /// <param name="nics">Cards of virtual switches; with any, a comment says what the domain needs outside its devices.</param>
    public static string ForDevices(IEnumerable<MachineAttachment> attachments, IReadOnlyCollection<MachineNic> nics)
    {
        var text = new StringBuilder();
        var settings = new XmlWriterSettings { OmitXmlDeclaration = true, Indent = true, IndentChars = "  ", ConformanceLevel = ConformanceLevel.Fragment, NewLineChars = "\n" };
        using (var writer = XmlWriter.Create(text, settings))
        {
            foreach (MachineAttachment attachment in attachments) Write(writer, attachment);
            if (nics.Count > 0) writer.WriteComment(" the domain needs <memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking> ");
            foreach (MachineNic nic in nics) Write(writer, nic);
        }
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

    // Source: libvirt "Domain XML format", vhost-user interface; reconnect is an element of <source>, its timeout in seconds.
    private static void Write(XmlWriter writer, MachineNic nic)
    {
        writer.WriteStartElement("interface");
        writer.WriteAttributeString("type", "vhostuser");
        Element(writer, "mac", ("address", nic.Mac));
        writer.WriteStartElement("source");
        foreach ((string name, string value) in new[] { ("type", "unix"), ("path", nic.SocketPath), ("mode", nic.Listens ? "server" : "client") }) writer.WriteAttributeString(name, value);
        if (!nic.Listens) Element(writer, "reconnect", ("enabled", "yes"), ("timeout", "1"));
        writer.WriteEndElement();
        Element(writer, "model", ("type", "virtio"));
        if (nic.QueuePairs > 1) Element(writer, "driver", ("queues", Number(nic.QueuePairs)));
        if (nic.Mtu is { } mtu) Element(writer, "mtu", ("size", Number(mtu)));
        writer.WriteEndElement();
    }

    private static void Element(XmlWriter writer, string name, params (string Name, string Value)[] attributes)
    {
        writer.WriteStartElement(name);
        foreach ((string attribute, string value) in attributes) writer.WriteAttributeString(attribute, value);
        writer.WriteEndElement();
    }

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}
