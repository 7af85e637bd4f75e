// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text;
using Tombolo.Linux;

namespace Tombolo.Grants.XenCheck;

/// <summary>Grants, mappings and ports by the word, so that a test outside can play two domains like instruments.</summary>
internal sealed class CheckShell(XenDomain domain)
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);
    private readonly Dictionary<uint, GrantedPages> _granted = [];   // by the first reference
    private readonly Dictionary<uint, MappedPages> _mapped = [];
    private readonly Dictionary<uint, EventChannel> _ports = [];

    public string Do(string line)
    {
        try { return $"ok {Do(line.Split(' '))}"; }
        catch (GrantException exception) { return $"{exception.Fault} {exception.Message}"; }
        catch (LinuxException exception) { return $"errno {exception.Errno} {exception.Message}"; }
    }

    private string Do(string[] words)
    {
        uint first = words.Length > 1 ? uint.Parse(words[1], CultureInfo.InvariantCulture) : 0, second = words.Length > 2 && uint.TryParse(words[2], out uint number) ? number : 0;
        switch (words[0])
        {
            case "id": return domain.Id.ToString();
            case "grant":   // grant PEER PAGES
                GrantedPages pages = domain.Grant(new((ushort)first), (int)second);
                _granted.Add(pages.References[0].Value, pages);
                return string.Join(' ', pages.References);
            case "say":     // say REFERENCE TEXT: into the granted page
                Put(_granted[first].Window, words[2]);
                return "";
            case "read":    // read REFERENCE: out of the granted page
                return Get(_granted[first].Window);
            case "end":
                _granted.Remove(first, out GrantedPages? ending);
                return ending!.TryEnd().ToString();
            case "map":     // map PEER REFERENCE
                _mapped.Add(second, domain.Map(new((ushort)first), [new(second)]));
                return "";
            case "prepare": // prepare PEER REFERENCE: only the first half of it
                using (SafeFd device = XenGrantDevice.Open()) _ = XenGrantDevice.Prepare(device, (ushort)first, [second]);
                return "";
            case "see":     // see REFERENCE: out of the mapped page
                return Get(_mapped[first].Window);
            case "answer":  // answer REFERENCE TEXT: into the mapped page
                Put(_mapped[first].Window, words[2]);
                return "";
            case "unmap":
                _mapped.Remove(first, out MappedPages? unmapping);
                unmapping!.Dispose();
                return "";
            case "notify-on-unmap":   // notify-on-unmap REFERENCE PORT: clears byte 0, and rings
                domain.NotifyOnUnmap(_mapped[first], _ports[second], 0);
                return "";
            case "notify-on-end":     // the same on the granter's side
                domain.NotifyOnUnmap(_granted[first], _ports[second], 0);
                return "";
            case "port":    // port PEER
                return Keep(domain.AllocateUnbound(new((ushort)first)));
            case "bind":    // bind PEER PORT
                return Keep(domain.BindInterdomain(new((ushort)first), new(second)));
            case "notify":
                _ports[first].Notify();
                return "";
            case "take":
                return _ports[first].TryTake() ? "event" : "none";
            case "wait":
                return _ports[first].Wait(_limit) ? "event" : "none";
            default: throw new GrantException(GrantFault.Lost, $"There is no command '{words[0]}'.");
        }
    }

    private string Keep(EventChannel port)
    {
        _ports.Add(port.Port.Value, port);
        return port.Port.ToString();
    }

    private static void Put(Memory.Window window, string text)
    {
        byte[] bytes = new byte[64];
        _ = Encoding.ASCII.GetBytes(text, bytes);
        window.View(0, bytes.Length).CopyIn(0, bytes);
    }

    private static string Get(Memory.Window window)
    {
        byte[] bytes = new byte[64];
        window.View(0, bytes.Length).CopyOut(0, bytes);
        return Encoding.ASCII.GetString(bytes).Replace('\0', '.').TrimEnd('.');
    }
}
