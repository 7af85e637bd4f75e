// SPDX-License-Identifier: MIT
using Tombolo.Fabric.Yaml;
using Tombolo.Store;

namespace Tombolo.Fabric.Reading;

/// <summary>What can only be judged with windows of grants, machines and the store in hand.</summary>
internal sealed class WindowChecks(FaultList faults, IReadOnlyList<Declared<GrantWindowDeclaration>> windows, IReadOnlyList<Declared<MachineDeclaration>> machines, StoreDeclaration? store)
{
    /// <param name="others">What else machines attach to: its kind, and its name.</param>
    public void Run(IReadOnlyList<(string Kind, string Name)> others)
    {
        for (int at = 0; at < windows.Count; at++)
        {
            CheckWindow(windows[at]);
            if (others.FirstOrDefault(one => one.Name == windows[at].Value.Name) is { Name: not null } same)
                faults.Add(windows[at].Place, $"{same.Kind} and a window are called {same.Name}; machines attach by name, so names must differ.");
            foreach (Declared<GrantWindowDeclaration> before in windows.Take(at)) CheckApart(before.Value, windows[at]);
        }
    }

    private void CheckWindow(Declared<GrantWindowDeclaration> declared)
    {
        GrantWindowDeclaration window = declared.Value;
        if (window.Last > DomainId.Highest)
            faults.Add(declared.Of("first"), $"Window {window.Name} has the domains {window.First} to {window.Last}; the highest domain is {DomainId.Highest}. Lower 'first' or 'places'.");
        foreach ((string key, int value) in ((string, int)[])[("grants", window.Grants), ("ports", window.Ports)])
            if (value % Limits.LeastLines != 0) faults.Add(declared.Of(key), $"'{key}' of window {window.Name} is {value}; it must be a multiple of {Limits.LeastLines}.");
        if (Translation.ToShape(window).WindowBytes is var bytes && bytes > Limits.MostChannels)
            faults.Add(declared.Place, $"Window {window.Name} takes {bytes >> 20}M of memory; more than {Limits.MostChannels >> 20}M is not surely mapped by a guest's firmware. Lower 'places' or 'pages'.");
        int members = 0;
        foreach (Declared<MachineDeclaration> machine in machines)
            if (machine.Texts("attach").FirstOrDefault(name => name.Text == window.Name) is { } name && ++members > window.Places)
                faults.Add(name.Place, $"Machine {machine.Value.Name} is number {members} of window {window.Name}, which has {window.Places} places; raise 'places'.");
        foreach (StoreUser user in store?.Domains ?? [])
            if (user.Domain >= window.First && user.Domain <= window.Last)
                faults.Add(declared.Of("first"), $"Window {window.Name} has the domains {window.First} to {window.Last}, and 'domains' of the store makes user {user.User} domain {user.Domain}; give the window another 'first'.");
    }

    private void CheckApart(GrantWindowDeclaration before, Declared<GrantWindowDeclaration> declared)
    {
        GrantWindowDeclaration window = declared.Value;
        if (window.First <= before.Last && before.First <= window.Last)
            faults.Add(declared.Of("first"), $"Window {window.Name} has the domains {window.First} to {window.Last}, and window {before.Name} has {before.First} to {before.Last}; a domain is in one window.");
    }
}
