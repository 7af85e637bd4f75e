// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Net;
using Tombolo.Fabric.Yaml;
using Tombolo.Switching;

namespace Tombolo.Fabric.Reading;

/// <summary>Values of switches, ports and cards. Each method returns null after adding a fault.</summary>
internal static class SwitchReading
{
    /// <summary>One address of a network card, or several.</summary>
    public static IReadOnlyList<string>? Macs(YamlNode node, ValueReader read)
    {
        if (read.Texts(node) is not { } texts) return null;
        List<string> macs = [];
        foreach (string text in texts)
        {
            if (MacAddress.TryParse(text, out MacAddress mac) && mac.IsUnicast) macs.Add(mac.ToString());
            else read.Say(node.Place, $"'mac' of {read.Subject} is '{text}'; it must be six hexadecimal bytes between colons that name one card, such as 02:00:00:00:AA:01.");
        }
        return macs;
    }

    /// <summary>An uplink with one more thing said about it; as it was where that was a fault.</summary>
    public static SwitchPortDeclaration WithUplink(SwitchPortDeclaration port, string? value, Func<SwitchUplinkDeclaration, string, SwitchUplinkDeclaration> with) => value is null ? port : port with { Uplink = with(port.Uplink!, value) };

    /// <inheritdoc cref="WithUplink(SwitchPortDeclaration, string?, Func{SwitchUplinkDeclaration, string, SwitchUplinkDeclaration})"/>
    public static SwitchPortDeclaration WithUplink(SwitchPortDeclaration port, double? value, Func<SwitchUplinkDeclaration, double, SwitchUplinkDeclaration> with) => value is not { } number ? port : port with { Uplink = with(port.Uplink!, number) };

    /// <summary>How bad a link is.</summary>
    public static LinkConditions? Link(YamlNode node, ValueReader read)
    {
        if (node is YamlScalar { IsNull: true }) return null;
        LinkConditions link = Keys.Link.Read(node, new(), $"a link of {read.Subject}", read.Context).Draft;
        if (link.Reorder > 0 && link.Delay == TimeSpan.Zero) read.Say(node.Place, $"A link of {read.Subject} has 'reorder' and no 'delay'; a frame overtakes others by not being delayed.");
        return link;
    }

    /// <summary>Cards with their addresses: { lan: 192.168.1.1/24 }.</summary>
    public static IReadOnlyList<MachineAddress>? Addresses(YamlNode node, ValueReader read)
    {
        if (node is not YamlMap map) return read.WrongObject<IReadOnlyList<MachineAddress>>(node, "switches with addresses, such as { lan: 192.168.1.1/24 }");
        List<MachineAddress> addresses = [];
        foreach ((YamlScalar card, YamlNode value) in map.Entries)
            foreach (YamlNode item in value is YamlList list ? list.Items : [value])
            {
                if (item is YamlScalar { IsNull: false } text && IsAddress(text.Text)) addresses.Add(new(card.Text, text.Text));
                else read.Say(item.Place, $"The address for '{card.Text}' of {read.Subject} is {item.Kind}; it must be an address with its prefix length, such as 192.168.1.1/24.");
            }
        return addresses;
    }

    private static bool IsAddress(string text)
    {
        string[] parts = text.Split('/');
        if (parts.Length != 2 || !IPAddress.TryParse(parts[0], out IPAddress? address) || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int prefix)) return false;
        bool isSix = address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6;
        return prefix <= (isSix ? 128 : 32) && (isSix || parts[0].Count(static letter => letter == '.') == 3);   // 10.1 is an address too, and never what was meant
    }
}
