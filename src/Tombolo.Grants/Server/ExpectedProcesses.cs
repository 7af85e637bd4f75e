// SPDX-License-Identifier: MIT
using System.Globalization;
using Tombolo.Linux;
using Tombolo.Store;

namespace Tombolo.Grants;

/// <summary>A file that says which processes stand at a server, one line for each connection: process id, its start time, domain. The next server reads there whom to wait for.</summary>
internal sealed class ExpectedProcesses(string path)
{
    private readonly List<(int Process, long Start, ushort Domain)> _expected = [], _present = [];

    /// <summary>Whether nobody is expected any more: each has come back, or is dead.</summary>
    public bool IsNobody
    {
        get
        {
            _ = _expected.RemoveAll(one => LinuxProcess.StartTimeOf(one.Process) != one.Start);
            return _expected.Count == 0;
        }
    }

    /// <summary>Reads whom the server before this one had.</summary>
    public void Load()
    {
        try
        {
            foreach (string line in File.ReadLines(path))
                if (line.Split(' ') is [var process, var start, var domain] && int.TryParse(process, NumberStyles.None, CultureInfo.InvariantCulture, out int id) && long.TryParse(start, NumberStyles.None, CultureInfo.InvariantCulture, out long time)
                    && ushort.TryParse(domain, NumberStyles.None, CultureInfo.InvariantCulture, out ushort number)) _expected.Add((id, time, number));
        }
        catch (IOException) { }   // there is none: nobody is expected
    }

    /// <summary>A process stands here.</summary>
    public void Came(int process, DomainId domain)
    {
        _present.Add((process, LinuxProcess.StartTimeOf(process) ?? 0, domain.Value));
        Write();
    }

    /// <summary>A process has said everything that stands.</summary>
    public void HasDeclared(int process, DomainId domain)
    {
        int at = _expected.FindIndex(one => one.Process == process && one.Domain == domain.Value);
        if (at >= 0) _expected.RemoveAt(at);
    }

    /// <summary>A process's connection ended.</summary>
    public void Went(int process, DomainId domain)
    {
        int at = _present.FindIndex(one => one.Process == process && one.Domain == domain.Value);
        if (at >= 0) _present.RemoveAt(at);
        Write();
    }

    /// <summary>An orderly end: nobody will be expected.</summary>
    public void Delete() => File.Delete(path);

    // Whole or not at all: a kill in between leaves the old one.
    private void Write()
    {
        try
        {
            List<(int Process, long Start, ushort Domain)> all = [.. _expected];
            foreach ((int Process, long Start, ushort Domain) one in _present) _ = all.Remove(one);   // back, but not everything is declared: it stands in both
            all.AddRange(_present);
            File.WriteAllLines(path + ".new", all.Select(one => string.Create(CultureInfo.InvariantCulture, $"{one.Process} {one.Start} {one.Domain}")));
            File.Move(path + ".new", path, overwrite: true);
        }
        catch (IOException) { }   // the next server waits for the whole time that it may
        catch (UnauthorizedAccessException) { }
    }
}
