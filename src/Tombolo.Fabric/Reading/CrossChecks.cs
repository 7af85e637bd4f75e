// SPDX-License-Identifier: MIT
using System.Text;
using Tombolo.Fabric.Yaml;
using Tombolo.Grants;
using Tombolo.Linux;
using Tombolo.Machines;
using Tombolo.Store;

namespace Tombolo.Fabric.Reading;

/// <summary>What can only be judged with more than one value in hand.</summary>
internal sealed class CrossChecks(FaultList faults, FabricPaths paths, IReadOnlyList<Declared<MailboxDeclaration>> mailboxes, IReadOnlyList<Declared<RegionsDeclaration>> regions, IReadOnlyList<Declared<MachineDeclaration>> machines)
{
    private static readonly string[] _reservedFiles = [FabricPaths.AdminSocketName, FabricPaths.LockName, FabricPaths.DeclarationName, FabricPaths.OriginName, FabricPaths.MachinesName, FabricPaths.DaemonLogName, FabricPaths.GrantDomainsName, FabricPaths.StoreJournalName];
    private static readonly string[] _ownArguments = ["-daemonize", "-pidfile", "-qmp"];

    /// <summary>The grants, where they are declared.</summary>
    public Declared<GrantsDeclaration>? Grants { get; init; }

    /// <summary>The windows of the grants.</summary>
    public IReadOnlyList<Declared<GrantWindowDeclaration>> Windows { get; init; } = [];

    /// <summary>The store, where one is declared.</summary>
    public Declared<StoreDeclaration>? Store { get; init; }

    /// <summary>The switches.</summary>
    public IReadOnlyList<DeclaredSwitch> Switches { get; init; } = [];

    public void Run()
    {
        if (Store is not null) CheckStore(Store);
        if (Grants is not null) CheckGrants(Grants);
        foreach (Declared<MailboxDeclaration> mailbox in mailboxes) CheckMailbox(mailbox);
        foreach (Declared<RegionsDeclaration> window in regions) CheckRegions(window);
        foreach (DeclaredSwitch one in Switches) CheckSwitch(one);
        new SwitchChecks(faults, Switches, machines).Run();
        foreach (Declared<GrantWindowDeclaration> window in Windows) CheckSocket(window.Of("socket"), $"'socket' of window {window.Value.Name}", window.Value.Socket, paths.SocketOf(window.Value));
        new WindowChecks(faults, Windows, machines, Store?.Value).Run([.. mailboxes.Select(one => ("A mailbox", one.Value.Name)), .. regions.Select(one => ("Regions", one.Value.Name)), .. Switches.Select(one => ("A switch", one.Value.Name))]);
        CheckSameSockets();
        foreach (Declared<MachineDeclaration> machine in machines) CheckMachine(machine);
        CheckRoom();
        CheckCircles();
    }

    private void CheckSameSockets()
    {
        IEnumerable<(string Owner, Place Place, string Socket)> all = mailboxes.Select(one => ($"Mailbox {one.Value.Name}", one.Of("socket"), paths.SocketOf(one.Value)))
            .Concat(Store is null ? [] : [("The store", Store.Of("socket"), paths.SocketOf(Store.Value))])
            .Concat(Grants is null ? [] : [("The grants", Grants.Of("socket"), paths.SocketOf(Grants.Value))])
            .Concat(Windows.Select(one => ($"Window {one.Value.Name}", one.Of("socket"), paths.SocketOf(one.Value))))
            .Concat(regions.SelectMany(one => new[] { ($"Regions {one.Value.Name}", one.Of("qemu"), paths.QemuSocketOf(one.Value)), ($"Regions {one.Value.Name}", one.Of("clients"), paths.ClientSocketOf(one.Value)) }))
            .Concat(Switches.SelectMany(one => one.Ports.Where(static port => port.Value.Socket.Length > 0).Select(port => ($"Member {port.Value.Name} of switch {one.Value.Name}", port.Of("socket"), paths.SocketOf(port.Value)))));
        foreach (var same in all.GroupBy(one => one.Socket).Where(group => group.Count() > 1))
            foreach ((string owner, Place place, string socket) in same.Skip(1))
                faults.Add(place, $"{same.First().Owner} and {Lower(owner)} have the same socket {socket}.");
    }

    private static string Lower(string text) => char.ToLowerInvariant(text[0]) + text[1..];

    private void CheckMailbox(Declared<MailboxDeclaration> declared)
    {
        MailboxDeclaration mailbox = declared.Value;
        string what = $"of mailbox {mailbox.Name}";
        CheckSocket(declared.Of("socket"), $"'socket' {what}", mailbox.Socket, paths.SocketOf(mailbox));
        if (mailbox.Vectors < mailbox.Clients + 2)
            faults.Add(declared.Of("vectors"), $"'vectors' {what} is {mailbox.Vectors}; {mailbox.Clients} clients need {mailbox.Clients + 2}, one for each possible sender and two more.");
        if (mailbox.Silent && declared.Found.ContainsKey("manager") && mailbox.Manager)
            faults.Add(declared.Of("manager"), $"Mailbox {mailbox.Name} is silent and manager; a silent server takes no part and can manage nothing.");
    }

    private void CheckStore(Declared<StoreDeclaration> declared) =>
        CheckSocket(declared.Of("socket"), "'socket' of the store", declared.Value.Socket, paths.SocketOf(declared.Value));

    private void CheckGrants(Declared<GrantsDeclaration> declared)
    {
        CheckSocket(declared.Of("socket"), "'socket' of the grants", declared.Value.Socket, paths.SocketOf(declared.Value));
        foreach (YamlScalar path in declared.Texts("offers"))
        {
            if (!StorePath.IsAbsolute(path.Text) || path.Text == "/") faults.Add(path.Place, $"'offers' of the grants names '{path.Text}', which is no path; it must be letters, digits and '-_@' between slashes, such as {OfferKeys.DefaultPath}.");
            else if (Store is null) faults.Add(path.Place, $"'offers' of the grants names {path.Text}, but there is no 'store' for its keys.");
        }
    }

    private void CheckRegions(Declared<RegionsDeclaration> declared)
    {
        RegionsDeclaration window = declared.Value;
        string what = $"of regions {window.Name}";
        if (mailboxes.Any(one => one.Value.Name == window.Name)) faults.Add(declared.Place, $"There are a mailbox and regions called {window.Name}; machines attach by name, so names must differ.");
        CheckSocket(declared.Of("qemu"), $"'qemu' {what}", window.Qemu, paths.QemuSocketOf(window));
        CheckSocket(declared.Of("clients"), $"'clients' {what}", window.Clients, paths.ClientSocketOf(window));
        if (window.Memory is { } memory && (memory.Contains('/', StringComparison.Ordinal) || memory is "" or "." or ".." || Encoding.UTF8.GetByteCount(memory) > 255))
            faults.Add(declared.Of("memory"), $"'memory' {what} is '{memory}'; a shared memory object's name has 1 to 255 bytes without a slash.");
        Declared<MachineDeclaration>[] joined = [.. machines.Where(machine => machine.Value.Attach.Contains(window.Name))];
        foreach (Declared<MachineDeclaration> second in joined.Skip(1))
            faults.Add(second.Texts("attach").First(name => name.Text == window.Name).Place, $"Machine {second.Value.Name} attaches to regions {window.Name}, as machine {joined[0].Value.Name} does; a window of regions has place for one machine.");
    }

    private void CheckSwitch(DeclaredSwitch declared)
    {
        string name = declared.Value.Name;
        if (mailboxes.Any(one => one.Value.Name == name) || regions.Any(one => one.Value.Name == name))
            faults.Add(declared.Place, $"There are {(mailboxes.Any(one => one.Value.Name == name) ? "a mailbox" : "regions")} and a switch called {name}; machines attach by name, so names must differ.");
        foreach (Declared<SwitchPortDeclaration> port in declared.Ports.Where(static port => port.Value.Uplink is null or { IsStream: true }))
            CheckSocket(port.Of("socket"), $"{(port.Value.Uplink is null ? "'socket' of" : "'stream' of the uplink of")} member {port.Value.Name} of switch {name}", port.Value.Socket, paths.SocketOf(port.Value));
    }

    private void CheckSocket(Place place, string what, string socket, string path)
    {
        if (!Path.IsPathRooted(socket) && (socket.Contains('/', StringComparison.Ordinal) || socket is "" or "." or ".."))
            faults.Add(place, $"{what} is '{socket}'; it must be a file name, for a socket in the state folder, or an absolute path.");
        else if (_reservedFiles.Contains(socket))
            faults.Add(place, $"{what} is '{socket}', a name that the fabric itself uses; choose another.");
        else
            CheckLength(place, what, path, UnixSocket.MaxPathBytes - FabricPaths.KeeperSuffix.Length);
    }

    private void CheckMachine(Declared<MachineDeclaration> declared)
    {
        MachineDeclaration machine = declared.Value;
        string what = $"of machine {machine.Name}";
        string kinds = Windows.Count > 0 ? "mailbox, regions, switch or window" : Switches.Count > 0 ? "mailbox, regions or switch" : regions.Count == 0 ? "mailbox" : "mailbox or regions";
        string[] known = [.. mailboxes.Select(one => one.Value.Name), .. regions.Select(one => one.Value.Name), .. Switches.Select(one => one.Value.Name), .. Windows.Select(one => one.Value.Name)];
        foreach (YamlScalar name in declared.Texts("attach")) CheckName(name, $"'attach' {what} names {kinds}", known, "there are no mailboxes.");
        foreach (YamlScalar name in declared.Texts("after"))
        {
            if (name.Text == machine.Name) faults.Add(name.Place, $"'after' {what} names the machine itself.");
            else CheckName(name, $"'after' {what} names machine", [.. machines.Select(one => one.Value.Name).Where(one => one != machine.Name)], "there are no other machines.");
        }
        CheckTwice(declared, "attach", what);
        CheckTwice(declared, "after", what);
        if (machine.Image is not null && machine.MemoryBytes < MachineOptions.DemoImageLeastBytes)
            faults.Add(declared.Of("memory"), $"'memory' {what} is {ValueReader.Shown(machine.MemoryBytes)}; the demo image does not boot with less than {ValueReader.Shown(MachineOptions.DemoImageLeastBytes)}.");
        foreach (string key in new[] { "kernel", "initrd" })
            if (machine.Image is not null && declared.Found.ContainsKey(key)) faults.Add(declared.Of(key), $"Machine {machine.Name} has both 'image' and '{key}'; the image brings its own.");
        if (machine.Initrd is not null && machine.Kernel is null && machine.Image is null)
            faults.Add(declared.Of("initrd"), $"Machine {machine.Name} has an 'initrd' but no 'kernel' that could use it.");
        foreach (string key in new[] { "run", "modules" })
            if (machine.Image is null && declared.Found.ContainsKey(key)) faults.Add(declared.Of(key), $"'{key}' {what} needs the demo image; another image has nobody who would read it.");
        foreach (YamlScalar argument in declared.Texts("qemu"))
            if (_ownArguments.Contains(argument.Text)) faults.Add(argument.Place, $"'qemu' {what} has {argument.Text}, which the fabric itself needs in order to watch the machine.");
        CheckLength(declared.Place, $"The console {what}", paths.Machine(machine.Name).LongestSocket, UnixSocket.MaxPathBytes);
    }

    private void CheckName(YamlScalar name, string sentence, IReadOnlyCollection<string> known, string none)
    {
        if (!known.Contains(name.Text)) faults.Add(name.Place, $"{sentence} '{name.Text}', which is not declared; {Sentences.DidYouMean(name.Text, known, none)}");
    }

    private void CheckTwice(Declared<MachineDeclaration> declared, string key, string what)
    {
        foreach (IGrouping<string, YamlScalar> same in declared.Texts(key).GroupBy(name => name.Text).Where(group => group.Count() > 1))
            faults.Add(same.ElementAt(1).Place, $"'{key}' {what} names '{same.Key}' twice.");
    }

    private void CheckLength(Place place, string what, string path, int most)
    {
        int length = Encoding.UTF8.GetByteCount(path);
        if (length > most) faults.Add(place, $"{what} would be {path}, {length} bytes; a socket's path can have {most} here.");
    }

    // A fabric with more machines than places would leave the last ones outside for ever.
    private void CheckRoom()
    {
        foreach (MailboxDeclaration mailbox in mailboxes.Select(one => one.Value))
        {
            int members = 0;
            foreach (Declared<MachineDeclaration> machine in machines)
                if (machine.Texts("attach").FirstOrDefault(name => name.Text == mailbox.Name) is { } name && ++members > mailbox.Clients)
                    faults.Add(name.Place, $"Machine {machine.Value.Name} is number {members} of mailbox {mailbox.Name}, which has places for {mailbox.Clients} clients; raise 'clients'.");
        }
    }

    private void CheckCircles()
    {
        Dictionary<string, Declared<MachineDeclaration>> left = machines.ToDictionary(one => one.Value.Name);
        // Takes away whoever waits for nobody that is left, until nothing changes: what remains waits in a circle, or for one.
        while (left.Values.FirstOrDefault(one => !one.Value.After.Any(name => name != one.Value.Name && left.ContainsKey(name))) is { } free) _ = left.Remove(free.Value.Name);
        if (left.Count == 0) return;
        List<string> way = [left.Keys.First()];
        while (true)
        {
            string next = left[way[^1]].Value.After.First(name => name != way[^1] && left.ContainsKey(name));
            int at = way.IndexOf(next);
            way.Add(next);
            if (at < 0) continue;
            faults.Add(left[next].Of("after"), $"Machines wait for each other in a circle: {string.Join(" after ", way[at..])}.");
            return;
        }
    }
}
